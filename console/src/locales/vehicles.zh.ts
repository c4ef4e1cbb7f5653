/** Words of vehicles, the watch list and sightings; the tables are those of GA/T 1400 part 3. */
export const vehiclesZh = {
  plate: '号牌', plate_color: '号牌颜色', plate_class: '号牌种类', vehicle_class: '车型', vehicle_color: '车身颜色', direction: '出入', lane: '车道', device: '设备', place: '部位', resident_kind: '住户类型',
  search: '号牌,可只输入一部分', since: '从', until: '到', flags: '质量标记', passed: '通过时间', received: '平台收到', brand: '品牌', model: '型号', speed: '车速', speed_value: '{n} km/h', reliability: '识别置信度', percent: '{n}%',
  no_plate: '无牌', way: { in: '进', out: '出' }, way_untold: '未知方向', hit: '布控', confirmed: '已确认无误', corrected: '已人工更正', view_grid: '图片', view_table: '表格', view: '显示方式',
  strip: '最新通行', held: '鼠标移开后显示 {n} 条新通行', strip_empty: '还没有车辆通行。摄像机接入后,每辆车会立即出现在这里。',
  hourly: '每小时通行', hourly_click: '点柱子查看对应的通行', hourly_empty: '这段时间没有车辆通行。', total: '共 {n} 辆次', lanes: '车道', lanes_empty: '还没有登记车辆抓拍设备。', today: '今日 {n} 辆次', last: '最近',
  empty_why: '还没有收到车辆通行记录。', empty_do: '到“设备”登记卡口或抓拍机(GA/T 1400),送来第一条记录后即显示。',
  picture: '图片', pictures: '图片', picture_open: '放大图片:{name}', picture_none: '没有图片,或图片在下级平台', picture_lost: '图片打不开',
  reading: '识读', reading_device: '设备识读', reading_person: '人工判定', reading_valid: '采用', will_be: '改为', received_text: '设备原文', field: '项目', same: '同设备', judge_right: '识读无误', judge_right_why: '看过图片,设备读得对。', judged_right: '看图确认无误', judged: '已记录,计入准确率',
  correct: '更正识读', correct_why: '设备的识读不会被覆盖,更正与它并列保存,并计入识别准确率;新版本会上送。', correct_hint: '例如:看图片为 8,不是 B', correct_done: '已更正', corrections: '更正记录', corrections_none: '还没有人判定过这条识读。',
  facts: '通行信息', clock: '时钟', clock_none: '设备没有报时间,无法计算偏差。', clock_device: '设备时间', clock_ledger: '校时台账', offset: '时钟偏差', raw: '原始记录', raw_show: '查看原始记录', raw_why: '每次查看都记入操作日志;图片已由摘要代替。', path: '流转路径', path_why: '这条记录在各级平台的时间。', path_ahead: '尚未到达', seq: '第 {n} 行',
  step: { captured: '设备抓拍', received: '平台收到', kept: '入库', logged: '写入日志', sent: '上送', acknowledged: '上级确认', came: '从下级收到', corrected: '更正' },
  near: '可能重复', near_why: '同一号牌、同一车道、同一方向,10 秒之内。两条都保留。', near_first: '这条可能是它的重复', object_id: '对象标识', id: '记录编号', watched: '此车在布控名单中', back: '返回通行列表', watch_it: '加入布控', open_device: '打开设备',
  accuracy: '识别准确率', accuracy_why: '只算人看图判定过的识读。下限为单侧 95% 置信下限;标准要求日间 ≥99.5%,夜间 ≥98.5%。', light: { day: '日间', night: '夜间' }, accuracy_n: '判定 {n}', accuracy_wrong: '错 {n}', accuracy_rate: '准确率', accuracy_bound: '95% 下限', accuracy_none: '还没有判定', proved: '已证明达标', not_proved: '尚不能证明达标',
  export: '导出', export_title: '导出通行记录', export_rows: '将导出 {n} 条', export_cut: '符合条件的超过 {n} 条,只导出最新的 {n} 条;请缩小时间范围。', export_none: '没有符合条件的记录', export_who: '需要再次输入密码;导出记入操作日志,安全与审计管理员可见。号牌和住户默认隐去一部分。', export_plain: '导出完整号牌(须写理由)', export_reason: '理由', export_form: '文件', exported: '已导出 {n} 条',
  resident: { owner: '业主', tenant: '租户', family: '家属', visitor: '访客', staff: '物业人员', delivery: '配送', temporary: '临时', stranger: '外来', unknown: '未知' },
  ground: { blue: '蓝牌', yellow: '黄牌', white: '白牌', black: '黑牌', green: '绿牌', large: '黄绿牌', plain: '' },
  colour: { '1': '黑', '2': '白', '3': '灰', '4': '红', '5': '蓝', '6': '黄', '7': '橙', '8': '棕', '9': '绿', '10': '紫', '11': '青', '12': '粉', '13': '透明', '99': '其他' },
  plate_classes: {
    '01': '大型汽车', '02': '小型汽车', '03': '使馆汽车', '04': '领馆汽车', '05': '境外汽车', '06': '外籍汽车', '07': '普通摩托车', '08': '轻便摩托车', '13': '低速车', '14': '拖拉机', '15': '挂车', '16': '教练汽车', '17': '教练摩托车', '18': '试验汽车', '20': '临时入境汽车', '22': '临时行驶车', '23': '警用汽车', '24': '警用摩托', '26': '香港入出境车', '27': '澳门入出境车', '31': '武警', '32': '军用', '51': '大型新能源', '52': '小型新能源', '99': '其他',
  },
  vehicle_classes: {
    K11: '大型客车', K21: '中型客车', K31: '小型客车', K32: '小型越野车', K33: '轿车', K41: '微型客车', K43: '微型轿车', H11: '重型货车', H21: '中型货车', H31: '轻型货车', H41: '微型货车', Q11: '重型牵引车', B11: '重型半挂车', G11: '重型全挂车', D11: '电车', Z11: '专项作业车', M11: '三轮摩托', M21: '普通摩托', M22: '轻便摩托', N11: '三轮汽车', T11: '拖拉机', J11: '轮式机械', X99: '其他',
  },
  brands: { '1': '大众', '2': '别克', '3': '宝马', '4': '本田', '5': '标致', '6': '丰田', '7': '福特', '8': '日产', '9': '奥迪', '10': '马自达', '11': '雪佛兰', '12': '雪铁龙', '13': '现代', '14': '奇瑞', '15': '起亚', '16': '荣威', '19': '吉利', '26': '比亚迪', '27': '铃木', '30': '五菱', '31': '江淮', '34': '长城', '38': '长安', '39': '福田', '41': '奔驰', '42': '一汽', '57': '宇通', '58': '重汽', '65': '保时捷', '66': '凯迪拉克', '70': '路虎', '87': '宝骏', '89': '传祺', '230': '红旗' },
  picture_types: { '01': '车辆全景', '02': '号牌', '03': '号牌二值图', '04': '驾驶位', '05': '副驾驶位', '06': '车标', '07': '违章合成', '08': '过车合成', '09': '车辆特写', '10': '人员', '11': '人脸', '12': '非机动车', '13': '物品', '14': '场景', '100': '一般图片' },
  flag: {
    plate_format: '号牌格式不合', plate_partial: '号牌不全', plate_colour: '颜色与号牌不符', no_plate: '无号牌', code_unknown: '代码不在表内', near_duplicate: '可能重复', key_reused: '同键不同内容', corrected: '已更正', clock_off: '时钟偏差大', clock_future: '时间超前', time_invalid: '时间无效', no_time: '无设备时间', late: '迟到', image_bad: '图片有问题', no_picture: '无图片', box_invalid: '标注框无效', charset: '字符集', coerced: '已按宽松规则读取',
  },
  kinds: { motor: '机动车', non_motor: '非机动车' },
  watch: {
    why: '布控的车辆一经抓拍立即报警;禁入访客供门岗核对。到期自动失效,记录保留。', kind: '类别', kinds: { vehicle: '车辆', visitor: '禁入访客' }, state: '状态', states: { active: '布控中', ended: '已结束', all: '全部' }, add: '新增布控', name: '姓名', phone: '电话', document: '证件号', level: '报警级别', reason: '事由', owner: '布控人', created: '布控时间', expires: '有效期至', left: '还有 {span}', expired: '已到期',
    end: '结束布控', end_why: '结束后不再报警;记录保留,写明原因。', ended: '已结束', ended_by: '{name} 结束', added: '已布控', place: '范围', place_why: '此地点及其下级通过即报警', reveal: '查看个人信息', reveal_why: '查看理由会记入操作日志。', empty_why: '没有布控的车辆或访客。', empty_do: '需要时点“新增布控”,写明事由和期限。', search: '号牌、事由、布控人', passages: '查看通行',
    personal_why: '姓名、电话、证件号加密保存,列表中隐去。', only_vehicle: '车辆须填号牌', days: { '1': '1 天', '7': '7 天', '30': '30 天', '90': '90 天' }, draft_for: '来自通行记录 {plate}',
  },
  sightings: {
    why: '设备抓拍的人脸、人员和图片。姓名和证件只在写明理由后显示。', kind: '类别', kinds: { face: '人脸', person: '人员', image: '图片' }, seen: '抓拍时间', empty_why: '没有人员抓拍记录。', empty_do: '人脸或人员抓拍设备接入后显示在这里。', reveal: '查看个人信息', reveal_why: '查看理由会记入操作日志。', personal: '个人信息', none_personal: '设备没有报告个人信息。', details: '特征', named: '有个人信息',
  },
}
