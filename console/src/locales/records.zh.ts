/** Words of the site out and in, backups, exports and long work. */
export const recordsZh = {
  comma: '、', choose_file: '选择文件', no_file: '还没有选择文件', look: '试算', apply: '应用', passphrase: '口令短语', passphrase_again: '再输入一次', passphrase_differs: '两次不一致', passphrase_why: '至少 12 个字符。平台不保存口令短语:忘记了就打不开,请另行妥善保管。',
  apply_why: '将一次完成 {n} 处改动:全部成功,或一处不改。改动记入操作日志。', apply_retire: '将一次完成 {n} 处改动,其中停用 {retired} 个:全部成功,或一处不改。停用的对象和历史保留。改动记入操作日志。',
  capture: { motor_vehicle: '机动车', non_motor_vehicle: '非机动车', face: '人脸', person: '人员', image: '图片' },
  pictures: '图片 {n} 张', picture_count: '图片数',
  section: { policies: '安全策略', jurisdiction: '管辖机构', place: '场所', code_segment: '编码号段', role: '角色', device: '设备', linkage: '联动规则', watch: '布控名单', zone: '防区' },
  field: { name: '名称', parent: '上级场所', kind: '类型', code: '编码', jurisdiction: '管辖机构', sort: '排序', longitude: '经度', latitude: '纬度', profile: '小区概况', detail: '附加信息', place: '场所', protocol: '协议', account: '账号', aliases: '其他编码', particulars: '设备信息', credential: '密钥', zone: '防区', actions: '权限', name_en: '英文名', value: '值', stands: '位置', when: '触发', only_if: '条件', then: '动作', enabled: '启用', plate: '号牌', reason: '事由', level: '级别', expires_at: '到期', personal: '个人信息', used: '已用', last: '末号', node: '节点' },
  problem: {
    unreadable: '这一项读不懂', twice: '重复', missing: '必填', bad_choice: '不在可选范围', unknown_reference: '找不到所指的对象', no_number: '不是数字', code_as_number: '长编码必须是文本格式', bad_code: '编码不合规则', bad_account: '账号不合规则', bad_name: '名称不合规则', bad_coordinates: '坐标不合规则', half_coordinates: '经度纬度须成对',
    wrong_parent: '不能放在这个上级之下', needs_parent: '缺上级场所', no_parent: '找不到上级场所', no_place: '找不到场所', no_jurisdiction: '没有这个管辖机构', wrong_place: '设备须在小区内', unknown_kind: '没有这种设备', wrong_protocol: '这种设备不说这个协议', zone_twice: '防区重复', taken: '已被别的设备占用', no_policy: '没有这项策略', out_of_bounds: '超出允许范围', wrong_kind: '值的类型不对', separated: '此类角色不能有这项权限', no_action: '没有这项权限', bad_profile: '小区概况不全', bad_segment: '号段不合规则', segment_taken: '号段已被占用', no_device: '找不到设备', outside_rule: '设备不在规则所属小区', out_of_reach: '规则不能控制这种设备', unknown_section: '没有这一节', not_ours: '由别的节点维护', no_plate: '缺号牌', bad_hour: '时间写法不对', inside_itself: '上级是自己',
  },
  plan: {
    problems: '有 {n} 处错误,什么都不会导入。', problems_do: '改正后重新试算。', where: '位置', what_wrong: '问题', detail: '原文', same: '与现状完全一致', same_why: '文件与现在的数据没有差别,不需要导入。', nothing_done: '没有需要改动的', total: '将有 {n} 处改动', done: '已完成 {n} 处改动', section: '类别', add: '新增', change: '修改', retire: '停用', act: '动作', fields: '改了什么', list: '改动清单',
    left_out: '另有 {n} 处({sections})您无权改动,不会导入:请有相应权限的管理员用同一文件再导入一次。', again: '{n} 个对象的密钥或个人信息须重新填写:{names}', first: '只列出前 {n} 处。', line: '第 {n} 行', row: '{sheet} 第 {n} 行',
  },
  text: {
    tab: '全站文本文件', export: '导出全站', export_why: '场所、管辖机构、设备与防区、编码号段、联动规则、角色、策略、布控名单,写成一个 TOML 文本文件:可比对、可存档、可回退。账号与密码不在其中。', holds: '共 {n} 项', exported: '已导出 {n} 项', sealed: '连同设备密钥(用口令短语封存)', unsealed_why: '不封存时,密钥处写“须重新填写”,导入后到设备页填写。',
    import: '导入全站', import_why: '先试算:新增、修改、停用和每处错误的行号都列出来,看过再应用。应用是一次完成的,可以中途停止,停止则一处不改。', retire: '停用文件里没有的', clone: '作为副本导入(区划以下换新编号)', passphrase_optional: '口令短语(不填则密钥另行填写)',
  },
  sheets: {
    tab: '表格', export: '模板与导出', export_why: '场所、设备、防区三张表,带下拉选项。只含您有权限的范围;口令与密钥不在表内。', holds: '现有场所 {place} 行,设备 {device} 行,防区 {zone} 行', template: '下载空模板', template_done: '模板已下载', take: '导出现有 {n} 行', import: '导入表格', import_why: '支持 XLSX 和 CSV(UTF-8 或 GBK)。先试算,每处错误指出表、行和列。导入只新增和修改,不停用任何对象。',
  },
  export: { title: '导出', submit: '导出', what: '内容', rows: '将导出 {n} 行', cut: '超过 {n} 行,只导出最新的 {n} 行;请缩小时间范围。', none: '没有可导出的行', who: '需要再次输入密码;谁在何时导出了什么,记入操作日志。', form: '文件', done: '已导出 {n} 行' },
  job: {
    begins: '正在准备', stop: '停止', cancelled: '已停止,一处未改。', failed: '没有成功',
    steps: { apply: '正在导入', dump: '正在保存数据库', count: '正在逐表核对', blobs: '正在保存图片', check: '正在校验文件', start: '正在启动试恢复', load: '正在试恢复数据库', copy: '正在复制' },
  },
  backups: {
    why: '运行中即可备份:同一时刻的数据库、全部图片,以及用口令短语封存的密钥。备份没有试恢复过,就不算数。', make: '立即备份', make_why: '备份期间平台照常工作,可以随时停止;停止或失败不留下半份。', try: '试恢复', try_why: '在旁边恢复一遍,逐表比对行数与摘要、逐个校验文件,然后删除;不影响运行中的平台。', start: '开始', folder: '备份目录', room: '空间', room_of: '可用 {free},下一份最多约 {needed}', tight: '空间不够:请清理,或在配置里换一个目录(backups)。', same_disk: '备份与数据在同一块磁盘:磁盘损坏时会一起丢失,建议在配置里指定另一块磁盘(backups)。', untried: '现有备份都没有成功试恢复过。',
    empty: '还没有备份', empty_why: '这个目录里没有备份文件。', empty_do: '点“立即备份”做第一份,然后试恢复。', name: '文件', made_at: '备份时间', size: '大小', rows: '行数', missing: '缺 {n} 段', elsewhere: '另有 {n} 段在 S3', files: '文件数', program: '程序 · 结构', trial: '最近试恢复', trial_ok: '一致', trial_bad: '不可用', trial_none: '从未试过', made: '备份完成:{name},{tables} 张表 {rows} 行,{files} 个文件', tried: '试恢复一致:{name},{tables} 张表 {rows} 行,{files} 个文件',
    refused: { damaged: '备份已损坏', newer: '由更新的版本制作', wrong_passphrase: '口令短语不对', different: '恢复后与备份时不一致', no_space: '空间不够', tool_failed: '数据库工具失败', no_backup: '不是备份' },
  },
  accounts: { days: '最近各天', even: '平 · {n}', uneven: '{n} 项不平', open: '查看这一项', title: '对账明细', missing: '下级发出的数据里有 {n} 条在这里没有结果。', more: '这里的结果比下级说的发出数多 {n} 条。', replaced: '此后该节点有 {n} 次用快照补齐:超过保存期未送的数据由现状代替,不再逐条到达。', held: '{n} 条在隔离区等待处理。', see_held: '查看隔离的数据', dropped: '{n} 条被丢弃。', see_dropped: '查看未接收统计', do: '先点“立即对账”再核对一次;仍不平,请查看链路状态和两端时间,并通知维护人员。' },
  statistics: { subject: '统计对象', alarms: '报警', passages: '车辆', sightings: '人员', way: { in: '进', out: '出' }, way_untold: '方向未知', seen: { face: '人脸', person: '人员', image: '图片' }, total_passages: '共 {n} 辆次', total_sightings: '共 {n} 人次', empty: '这段时间没有记录', empty_why: '这段时间、这个范围内没有记录。车辆和人员按整个小区统计。', click: '点柱子查看背后的记录', figures: '统计数字', rows: '背后的逐条记录', export: '导出' },
}
