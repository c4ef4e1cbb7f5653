/** Words of the pages beside alarms; the shell's are in zh.ts. */
export const pagesZh = {
  event_kind: {
    fire: '火警', fire_manual: '手动火警', fire_supervisory: '消防监管', panic: '紧急按钮', duress: '胁迫', help: '求助', intrusion: '入侵', tamper: '防拆',
    watch_list: '布控命中', gas: '燃气', water: '水浸', environment: '环境', access_denied: '拒绝通行', door_forced: '强行开门', door_held: '门未关',
    power: '电源', fault: '故障', communication: '通信中断', arm: '布防', disarm: '撤防', bypass: '旁路', test: '测试', info: '信息',
  },
  event_state: { active: '开始', cleared: '恢复', info: '告知' },
  event_flag: {
    zone_unknown: '未登记防区', time_invalid: '设备时间无效', time_unreadable: '设备时间读不出', clock_future: '设备时间超前', clock_off: '设备时钟偏差大', late: '迟到', rerun: '隔离后重新处理', text_cleaned: '文字已清洗', key_reused: '同键不同内容', bypassed: '旁路中',
  },
  event_detail: { qualifier: '限定', user: '操作者', text: '文字', extensions: '扩展内容' },
  device_state: { online: '在线', offline: '离线', unknown: '未知' },
  place_kind: {
    city: '市', county: '县区', street: '街道/乡镇', community: '社区/村', grid: '网格', site: '小区', area: '区域', building: '楼栋', unit: '单元', floor: '楼层',
    room: '房屋', gate: '出入口', lane: '车道',
  },
  why_field: {
    grammar: '报文格式', protocol: '协议', account: '接入账号', encryption: '加密', encrypted: '加密', key: '密钥', port: '端口', peer: '来源地址', clock: '时钟', heartbeat: '心跳', heartbeat_s: '心跳间隔(秒)', interval: '巡检周期', interval_s: '巡检周期(秒)', last: '最近一次', at: '时间', heard_at: '最近信号', line: '线路', address: '地址', realm: '域', password: '密码', code: '编码', offset_ms: '时钟偏差', zones: '防区',
  },
  account_class: { operator: '操作人员', system: '系统管理员', security: '安全管理员', audit: '审计管理员' },
  tier_node: { community: '社区节点', county: '县区平台', city: '市平台' },
  part: { note: '备注', reason: '原因', detail: '详情', history: '历史', by: '操作人', at: '时间', version: '版本', until: '到期', never: '长期', unknown: '未知', rows: '{n} 行', export: '导出', code_copy: '复制' },
  places: {
    name: '名称', parent_id: '上级', retired_at: '停用时间',
    filter: '按名称或代码查找', add_root: '新增市', add: '新增下级', edit: '修改', move: '移动', retire: '停用', history: '变更历史', facts: '资料',
    kind: '类型', code: '地址编码', code_why: '市、县区为 6 位,街道 9 位,社区 12 位;小区为 20 位或不填', id: '编号', path: '位置', jurisdiction: '管辖机构', jurisdiction_inherited: '不填则随上级',
    coordinates: '坐标(WGS-84)', longitude: '经度', latitude: '纬度', sort: '排序号', profile: '小区概况', era: '建成情况', form: '管理方式', households: '户数', buildings: '楼栋数', built_year: '建成年份',
    parking: '车位数', manager: '物业负责人', phone: '联系电话', era_new: '新建', era_built: '已建', form_closed: '封闭式', form_open: '开放式', devices: '设备 {online}/{total} 在线', open_alarms: '{n} 起未关闭报警',
    choose: '在左侧选择一个地点,查看资料和历史。', empty_why: '您的范围内还没有登记地点。', empty_do: '从“新增市”开始,逐级登记到小区,再登记楼栋与出入口。', move_to: '移到哪里之下', move_why: '移动后,其下所有地点和设备一并移动,历史保留。',
    retire_why: '停用后不再出现在列表中;历史和报警记录保留,不删除。其下还有在用地点或设备时不能停用。', retired: '已停用', moved: '已移动', saved: '已保存', home_elsewhere: '此地点由下级节点“{node}”维护,在本级只读。',
    jurisdictions: '管辖机构', jurisdiction_code: '机构代码(12 位)', jurisdiction_name: '机构名称', jurisdiction_add: '新增机构', jurisdictions_why: '派出所等公安机关与地点交叉管辖;权限可以按管辖机构授予。', jurisdictions_empty: '还没有登记管辖机构。',
    changed_fields: '变更内容', first_version: '登记', none_changed: '内容未变',
  },
  devices: {
    code_auto: '填 auto 由本节点号段自动生成', bypass: '旁路', bypass_end: '结束旁路', bypass_until: '旁路至', bypass_why: '旁路期间此防区的报警不出现,最长 24 小时。火灾、紧急按钮、胁迫、求助不能旁路。', bypass_done: '防区已旁路', bypass_ended: '旁路已结束', every: '每 {span}', key_encrypted: '加密', key_clear: '明文', frame_kept: '已入库',
    search: '名称、账号、编码', kind: '类型', protocol: '协议', account: '接入账号', heard: '最近信号', never: '从未', code: '国标编码', site: '小区', add: '登记设备', edit: '修改', retire: '停用',
    retire_why: '停用后设备不再接入,记录保留。', empty_why: '您的范围内还没有登记设备。', empty_do: '点“登记设备”,填写类型、地点和接入账号;报警主机送来第一条报文后状态变为在线。', facts: '资料', zones: '防区', why: '为什么', events: '事件', clock: '时钟',
    not_here: '此设备由下级节点“{node}”维护,在本级只读。', name: '名称', place: '安装地点', interval: '巡检周期', interval_why: '秒;不填则自动学习', interval_learned: '学习到 {n} 秒', coordinates: '坐标(WGS-84)',
    capture_class: '采集部位类型', position: '位置说明', position_type: '位置类型', direction: '监视方位', unit: '管理单位', contact: '联系人', maker: '厂商', model: '型号', serial: '序列号', address: '网络地址', certificate: '认证证书',
    certificate_number: '证书编号', certificate_issuer: '发证机构', certificate_expires: '证书到期', save_days: '保存天数', note: '备注', credential: '接入密钥', credential_why: 'DC-09 为 32、48 或 64 位十六进制 AES 密钥。保存后不再显示,只能更换。',
    keyed: '已设置(不再显示)', not_keyed: '未设置', credential_keep: '不改请留空', section_main: '基本', section_access: '接入', section_where: '位置', section_care: '管理与认证', state_since: '{state},自 {at}', aliases: '其他编码', arming: '布防状态',
    armed: '已布防', disarmed: '已撤防', area: '分区 {area}', area_all: '全部分区', zone_area: '分区', zone_number: '防区号', zone_name: '名称', zone_kind: '报警类型', zone_kind_why: '不填则按主机上报的代码', zone_place: '地点', zone_add: '新增防区', zone_remove: '移除', zones_save: '保存防区', zones_discard: '放弃修改',
    zones_empty: '这台主机还没有登记防区。未登记防区的报警仍会上报,只是没有具体地点。', zones_saved: '防区已保存', zones_dirty: '有未保存的修改', bypassed: '旁路至 {at}', why_title: '期望与实收', why_what: '对照登记内容和设备实际发来的内容。红框一行就是接不上的原因。', expected: '登记的期望', received: '设备发来', verdict: '结论', same: '一致', differs: '不一致', unsure: '尚无法判断', why_none: '还没有收到过这台设备的任何报文。', why_none_do: '请核对设备里的平台地址、端口和账号,并确认网络可达。',
    frames: '最近报文', frame_outcome: '处理结果', frame_peer: '来源地址', frame_at: '收到时间', frame_none: '没有最近的报文。', clock_title: '时钟偏差(设备时间减平台时间)', clock_empty: '设备没有报过时间,所以没有时钟记录。', clock_most: '最大偏差 {most},最近一次 {last}', clock_seconds: '秒', clock_ahead: '快 {span}', clock_behind: '慢 {span}', clock_exact: '准',
    retired: '已停用', saved: '已保存', state_why: '原因', back: '返回设备列表',
  },
  users: {
    phone: '电话', phone_reveal: '查看完整号码', phone_reveal_why: '查看理由会记入操作日志。', reset_made: '新密码只显示这一次,请立即告知本人:', reset_empty: '不填则由系统生成', 
    search: '用户名、姓名', class: '人员类别', state: '状态', active: '有效', disabled: '已停用', locked: '已锁定', last_login: '最近登录', never: '从未登录', expires: '有效期至', sessions: '在线会话', add: '新建账号', report: '闲置与共用账号', grants: '授权', grants_none: '还没有授权:可以登录,但看不到任何内容。由安全管理员授权。',
    disable: '停用', disable_why: '停用后其全部会话立即结束,已打开的页面随即关闭。', disabled_done: '已停用,会话已结束', enable: '启用', enabled_done: '已启用', reset: '重置密码', reset_why: '对方下次登录必须修改。请当面或通过可靠方式告知。', reset_done: '密码已重置', new_password: '新密码', unlock: '解除锁定', unlock_done: '已解除锁定', end_sessions: '结束会话', end_sessions_done: '会话已结束', username_why: '小写字母、数字、点、横线;登录用,不可修改', name: '姓名', password_first: '初始密码', password_why: '对方首次登录必须修改',
    class_why: '系统、安全、审计三类管理员互不兼任,账号类别不能更改', grant_add: '增加授权', grant_role: '角色', grant_scope: '范围', scope_everything: '全部', scope_place: '地点及其下级', scope_jurisdiction: '管辖机构', grant_expires: '授权到期', grants_save: '保存授权', grants_saved: '授权已保存', grant_remove: '移除', own_grants: '不能给自己授权,请由另一位安全管理员操作。', grants_who: '授权由安全管理员维护。',
    empty_why: '没有账号。', report_title: '闲置与共用账号', report_why: '按策略找出长期未登录、到期、多地同时登录的账号。', report_clean: '没有可疑账号。', report_reasons: '理由', report_disable: '停用所选 {n} 个', saved: '已保存', must_change: '须改密码', totp: '动态口令', totp_on: '已启用', totp_off: '未启用', created: '建立时间', edit: '修改', made: '账号已建立;请由安全管理员授权',
    reason: { stale: '长期未登录', never_used: '从未登录', expired: '已过期', shared: '多地同时登录', no_grants: '没有授权', locked: '已锁定', shared_name: '名字像共用账号' },
  },
  roles: {
    title_why: '行是操作,列是角色。内置角色不能更改;自定义角色点格子即可更改。系统、安全、审计三类的权限互不重叠。', action: '操作', builtin: '内置', own: '自定义', add: '新建角色', rename: '改名', retire: '停用', retire_why: '停用后,持有此角色的账号立即失去这些权限。', name: '中文名称', name_en: '英文名称', class: '人员类别', class_all: '全部类别', save: '保存更改', discard: '放弃更改', changed: '{n} 个角色有未保存的更改', saved: '角色已保存', held: '允许', not_held: '不允许', separated: '此类人员不能持有', empty: '没有角色。', copy_of: '以现有角色为底',
    subject: { places: '地点', devices: '设备', events: '事件', alarms: '报警', commands: '命令', linkage: '联动', quarantine: '隔离区', statistics: '统计', links: '链路', users: '账号', roles: '角色', policies: '策略', operator_log: '操作日志', personal: '个人信息', system: '系统' },
  },
  policies: {
    why: '每一项安全参数都在这里,没有隐藏的设置。更改需要再次输入密码,并记入操作日志。', default: '默认 {value}', bounds: '允许 {least}–{most}', own: '已改', reset: '恢复默认', saved: '“{name}”已保存', changed_by: '{by} 于 {at} 更改', never_changed: '未更改过', on: '开', off: '关', save: '保存', readonly: '您可以查看;更改由安全管理员进行。',
    group: { password: '口令', login: '登录', session: '会话', pin: 'PIN', account: '账号', retention: '保存', other: '其他' },
    unit: { characters: '个字符', passwords: '个', days: '天', failures: '次', minutes: '分钟', hours: '小时', 'log-ins': '个', digits: '位', seconds: '秒', '': '' },
  },
  wire_reason: { clear_where_encryption_is_agreed: '应加密却是明文', no_key_for_an_encrypted_frame: '密文但未登记密钥', does_not_decrypt: '密钥不一致', cipher_text_malformed: '密文格式不对', outside_the_time_window: '时间超出允许范围', no_Contact_ID_event: '没有 Contact ID 事件', no_SIA_event: '没有 SIA 事件', unknown_token: '不支持的上报格式', two_accounts_in_one_frame: '一帧两个账号', content_not_readable: '内容无法读取', key_reused: '密钥重复使用' },
  log: {
    actions: { session_login: '登录', session_logout: '退出登录', session_lock: '锁定席位', session_unlock: '解锁席位', session_switch: '换班', session_password: '修改密码', session_pin: '设置 PIN', session_totp: '设置动态口令', session_reauthenticate: '再次验证身份', session_preferences: '修改界面设置', setup: '首次设置', users_create: '新建账号', users_change: '修改账号', users_disable: '停用账号', users_enable: '启用账号', users_unlock: '解除账号锁定', users_end_sessions: '结束会话', users_grant: '授权', users_reset_password: '重置密码', roles_create: '新建角色', roles_change: '修改角色', roles_retire: '停用角色', policies_write: '更改策略', operator_log_verify: '校验日志', operator_log_export: '导出日志', personal_reveal: '查看个人信息明文', places_write: '维护地点', devices_write: '维护设备', events_raw: '查看原始报文', alarms_handle: '处置报警', alarms_review: '复核报警', alarms_shelve: '搁置或旁路', alarms_drill: '演练', alarms_export: '导出报警', quarantine_fix: '处置隔离数据', links_write: '维护链路', linkage_write: '维护联动规则', commands_arm: '布防撤防', commands_output: '控制输出' },
    ok_inside: '已校验 {checked} 行,哈希链无断裂,与本机保存的 {anchors} 个锚点一致。', inside_only: '锚点只存在本机:能改数据库的人也能改锚点。接入上级后,锚点由上级保管。', kept: '保管处', outside: '上级', inside: '本机',
    principal: '操作人', action: '操作', target: '对象', outcome: '结果', peer: '来源地址', seq: '序号', search: '对象或内容', intent: '开始', done: '完成', failed: '失败', refused: '被拒', verify: '立即校验', verifying: '正在逐行校验', ok: '日志完整', ok_why: '已校验 {checked} 行,哈希链无断裂,与 {anchors} 个上级锚点一致。', broken: '日志被改动', broken_why: '第一处不一致在第 {first} 行。', broken_do: '请立即保全数据库与上级锚点,通知审计负责人;从这一行起的记录不可信。', window: '最近 {n} 行尚未锚定到上级:这些行只受本机保护。', window_none: '全部行都已锚定。',
    see_row: '查看该行', anchors: '锚点', anchors_why: '日志头每分钟或每 1,000 行签名一次,送上级保存;改动已锚定的行会被发现。', anchors_empty: '还没有锚点。配对上级后自动产生。', received: '收到时间', hash: '摘要', detail: '内容', export: '导出 CSV', export_why: '按当前筛选条件导出;需要再次输入密码,导出本身也会记入日志。', exported: '已导出 {n} 行', empty_why: '还没有操作记录。', previous: '前一行摘要', node: '节点',
  },
  links: {
    upper: '上级', lower: '下级', none_upper: '还没有接入上级平台', none_upper_do: '向上级管理员索取一次性配对码和地址,在这里填写。', pair: '接入上级', url: '上级地址', url_why: '形如 https://10.51.8.1:8712', pair_code: '一次性配对码', pair_why: '配对码由上级的“生成配对码”得到,只能用一次。', ask: '发送申请', compare: '核对指纹', compare_why: '请与上级管理员通过电话逐段核对。两边显示的指纹必须完全相同,否则不要确认。', fingerprint: '上级证书指纹', own_fingerprint: '本机指纹', confirm: '指纹一致,确认', confirmed: '已确认,等待上级批准', leave: '解除上级', leave_why: '解除后不再上送。已上送的数据留在上级。未上送的数据保留在本机日志中。', left: '已解除上级',
    make_code: '生成配对码', code_title: '一次性配对码', code_why: '把配对码和本机地址告诉下级管理员。只能用一次,{until} 前有效。关闭后不再显示。', pending: '等待批准', approve: '批准接入', approve_why: '请先与对方核对指纹,再指定其数据归属的地区。超出该地区的数据会被隔离。', region: '归属地区', approved: '已批准', revoke: '吊销', revoke_why: '吊销后不再接收此节点的数据,对方会收到原因。可以重新申请。', revoked: '已吊销', none_lower: '还没有下级节点', none_lower_do: '点“生成配对码”,把码告诉下级管理员。',
    state: { unconfirmed: '待核对指纹', waiting: '待上级批准', live: '正常', away: '中断', refused: '被拒绝', pending: '待批准', approved: '已批准', revoked: '已吊销', late: '积压', silent: '失联' },
    delay: '延迟', backlog: '积压', lane_alarms: '报警通道', lane_bulk: '普通通道', last_ack: '最近确认', last_seen: '最近联系', paired: '接入时间', lanes: '上送通道', lanes_why: '每个下级一条线:上为报警通道,下为普通通道。线中断或积压变粗处就是问题所在。', history: '最近走势', history_why: '打开本页以来每 5 秒一点', marks: '已收到', fates: '处理结果', kept: '入库', duplicate: '重复', held: '隔离', dropped: '丢弃', epoch: '纪元', node: '节点', details: '详情',
    reconciliation: '每日对账', reconciliation_why: '每天核对:下级发出数 = 入库 + 重复 + 隔离 + 丢弃。', reconcile: '立即对账', reconciled: '对账已完成', day: '日期', kind: '类别', sent: '发出', received: '收到', difference: '差额', balanced: '平', reconciliation_empty: '这一天没有对账记录。', reconciliation_empty_do: '对账每天凌晨进行;也可以点“立即对账”。', resyncs: '重新同步', resyncs_why: '游标过期时,缺失段用快照补齐并如实记录。', resyncs_empty: '没有发生过重新同步。', range: '缺失段', rows: '补齐行数', running: '进行中', day_ok: '{day} 全部对平', day_bad: '{day} 有 {n} 项不平', readonly: '链路由系统管理员维护。',
    now: '当前', began: '开始', ended: '结束', lane: '通道', whole: '合计', checked: '对账时间', waiting: '待送 报警 {alarms} · 其他 {bulk}', its_fingerprint: '对方指纹', code_left: '还有 {span}', code_over: '已失效,请重新生成', compare_below: '下级屏幕上的“上级证书指纹”必须与此完全相同。', turn_down: '拒绝', type_name: '输入“{name}”以确认', choose_lane: '点名称查看该节点的延迟走势、接收进度和处理结果。', stale: '无法刷新:以下是 {time} 的状态。',
    reason: { pending: '等待上级管理员批准。', revoked: '上级已吊销本节点。请联系上级管理员;数据保留在本机,恢复后补送。', unknown: '上级不认识本节点,需要重新配对。', clock: '本机时钟与上级相差太大,请核对时间同步。', replayed: '上级认为请求重复,本机会自动重试。', other_certificate: '上级证书与配对时不同。请先与上级核实,再解除并重新配对。', busy: '上级繁忙,本机会自动重试,数据不会丢失。', timeout: '上级没有及时应答,本机会自动重试,数据不会丢失。', name: '找不到上级地址,请检查域名和网络。', unreachable: '连不上上级:网络中断,或上级服务没有运行。本机会自动重试,数据不会丢失。' },
    kinds: { event: '事件', alarm: '报警', alarm_step: '处置步骤', place: '地点', device: '设备', jurisdiction: '管辖机构', command: '命令', node: '节点' },
  },
  refusal: {
    still_unknown: '这个接入账号还没有登记。', cannot_rerun: '这条记录缺少重新处理所需的内容,只能丢弃。', already_decided: '别人已经处理过这条记录。', held_again: '这一次仍不能入库,请看隔离区最新一条。', not_mended: '原因还在。', sender_unknown: '发来它的下级节点已不存在。',
    code_wrong: '配对码不对、已用过或已过期,请向上级重新索取。', node_taken: '同一编号的节点已用另一密钥接入,请先在上级吊销。', not_below: '该级别的平台不能接在此平台之下。', linked: '本节点已有上级,请先解除。', fingerprint: '这不是刚才所问平台的指纹,请重新核对。', node_name: '这不是另一个节点的名称。', url: '地址须写成 https://主机:端口。',
  },
  ranking: {
    why: '最需要关注的排在最前:先看未关闭的特急报警,再看送达,再看在线率。', rank: '序', community: '小区', level_1: '特急', open: '未关闭', online: '在线率', delivery: '送达', empty_why: '还没有下级小区上送数据。', empty_do: '在“上下级链路”中批准下级节点,或在“地点”中登记小区。', all_well: '所有小区正常:没有特急报警,链路畅通。', trouble: '{n} 个小区需要关注', local: '本级', open_alarms: '打开报警', map: '地图', only_trouble: '需要关注',
  },
  map: {
    title: '小区地图', home: '回到全部', zoom_in: '放大', zoom_out: '缩小', keys: '方向键移动,+ − 缩放,Home 回到全部,Tab 逐个选择,1–3 切换图层', source: '城镇数据:GeoNames,CC BY 4.0', source_more: '© GeoNames (geonames.org) · CC BY 4.0 · WGS-84 · 不绘制行政区界线', layer_communities: '小区', layer_towns: '城镇', layer_grid: '经纬网', legend: '图例', unplaced: '{n} 个小区没有坐标', unplaced_do: '在“地点”中填写小区的经纬度(WGS-84)。', empty: '没有可画的小区', empty_why: '您的范围内没有登记坐标的小区。',
    cluster: '{n} 个小区', devices: '设备在线 {online}/{total}', alarms: '{n} 起未关闭报警', to_alarms: '查看报警', to_place: '查看地点', label: '地图:{n} 个小区', metres: '{n} 米', kilometres: '{n} 公里',
    condition: { level1: '有特急报警', level2: '有紧急报警', level3: '有一般报警', level4: '有提示', cut: '链路中断', offline: '有设备离线', unknown: '没有设备', normal: '正常' },
  },
  quarantine: {
    why: '格式或登记有问题、暂不能入库的数据在这里等待:修好原因后重新处理,或说明理由后丢弃。不会自动丢失。', groups: '按原因', list: '逐条', rejections: '未接收统计', count: '数量', sources: '来源数', first: '最早', last: '最近', station: '环节', reason: '原因', source: '来源', state: '状态', rerun_all: '全部重新处理', rerun: '重新处理', rerun_done: '已重新处理', discard: '丢弃', discard_why: '丢弃需要理由,理由与经手人一并保留。', discarded_done: '已丢弃', note: '理由', note_rerun: '说明(可不填)', held_at: '隔离时间', value: '内容', decided: '处理人', empty_why: '收到的数据都已入库,没有等待处理的。', empty_do: '查看已处理的记录:到“逐条”按状态筛选。', tally: '已放行 {released} 条,仍在等待 {refused} 条', error: '出错原因', rerun_why: '先修好原因再重新处理。入库的事件保留原来的接收时间,并标记为“迟到”和“隔离后重新处理”。', rerun_all_why: '把因“{reason}”而等待的 {n} 条重新处理。原因还在的会继续等待。', registered_do: '设备已登记。一秒后即可重新处理这条记录。', rejections_why: '按小时、环节、来源、原因计数;每一条没有入库的数据都算在这里。', open_group: '查看这些', rejections_empty: '这段时间没有被拒收的数据。', hour: '小时', outcome: '结果', last_at: '最近',
    states: { held: '等待', released: '已放行', discarded: '已丢弃' }, stations: { accept: '接收', clean: '清洗', keep: '入库', push: '上送', receive: '接收下级' }, outcomes: { kept: '入库', dropped: '丢弃', held: '隔离', duplicate: '重复', refused: '拒收', rejected: '拒收', wrong: '报文错误', error: '报文错误' },
    reasons: {
      unknown_account: '未登记的接入账号', kind_unknown: '不认识的数据类别', malformed: '格式不合', foreign_origin: '来源节点不属于此下级', foreign_home: '归属节点不属于此下级', nul_in_text: '文字含空字符', outside_region: '超出归属地区', outside_sender: '超出下级申报的小区',
    },
    fix_unknown: '登记这台设备',
  },
  events: {
    kind: '类型', level: '级别', zone: '防区', code: '代码', occurred: '设备时间', received: '平台时间', offset: '时钟偏差', flags: '质量标记', late: '迟到', drill: '演练', empty_why: '这段时间没有收到事件。', empty_do: '放宽时间范围,或到“设备”查看是否在线。', raw: '显示原始报文', raw_why: '查看原始报文会记入操作日志。', raw_denied: '查看原始报文需要单独授权。', protocol: '协议', peer: '来源地址', outcome: '处理结果', bytes: '{n} 字节', detail: '附加信息', place: '地点', device: '设备', open_device: '查看设备', since: '从', until: '到', alarm: '相关报警', no_raw: '没有原始报文:已过保存期,或保存在下级节点。', reveal: '查看明文的理由', reveal_why: '可能指认个人的内容已遮蔽。写明理由后可看明文,理由记入操作日志。', reveal_do: '查看明文', revealed: '正在显示明文,已记入操作日志。', text: '文字', hex: '十六进制', id: '编号', kept: '入库时间', state: '状态',
  },
  linkage: {
    why: '规则一句话读完:当……,如果……,就……。物理动作只由拥有设备的一级执行,过时不补做。', add: '新建规则', edit: '修改', enabled: '启用', disabled: '停用', name: '规则名称', when: '当', only_if: '如果', then: '就', any_kind: '任何报警', kinds: '事件类型', level: '级别不低于', level_any: '任何级别', place: '地点范围', device: '设备', zones: '防区', between: '时间段', between_to: '至', always: '任何时间', add_action: '增加动作', remove_action: '移除', action: '动作', target: '目标设备', output: '输出口', valid: '有效秒数', valid_why: '过了这段时间就不再执行', dry_run: '试运行', dry_run_why: '用过去的事件检查规则会做什么,不会真的执行。', dry_run_since: '从何时起的事件', dry_run_none: '这段时间没有事件会触发此规则。', dry_run_found: '会触发 {n} 次', empty_why: '还没有联动规则。', empty_do: '报警弹窗不靠规则,总会出现;亮灯、警号等动作在这里设置。', done: '最近动作', done_empty: '还没有执行过动作。', saved: '规则已保存', decided: '决定时间', version: '第 {n} 版',
    rules: '规则', rule: '规则', site: '所属小区', armed: '只在布防时', on: '接通', off: '断开', output_number: '输出 {n}', valid_until: '有效期至', enable: '保存后启用', comma: ',', stop: '。', acts: { output: '控制输出', arm: '布防' }, sentence_when: '当 {place} 发生 {kinds}', sentence_level: '级别不低于{level}', sentence_zone: '在防区 {zones}', sentence_device: '由 {device} 上报', sentence_between: '在 {from}–{to} 之间', sentence_armed: '该区已布防', sentence_then: '就 {actions}', sentence_valid: '{action}({n} 秒内有效)', anywhere: '任何地点', or: '或', and: ',并',
    actions: { output: '接通', output_off: '断开', arm: '布防', disarm: '撤防', pop_up: '弹出报警窗口', mark: '标记录像', notify: '通知' },
    states: { wanted: '待执行', sent: '已下发', confirmed: '已执行', done: '已执行', refused: '被拒', unknown: '结果未知', expired: '已过时' },
  },
  statistics: {
    by: '按', by_hour: '每小时', by_day: '每天', of: '分类', of_level: '按级别', of_kind: '按类型', range: '时间', last_24: '最近 24 小时', last_7: '最近 7 天', last_30: '最近 30 天', total: '共 {n} 起', empty: '这段时间没有报警', empty_why: '这段时间、这个范围内没有产生报警。', click: '点柱子查看背后的报警', place: '地点', all_places: '范围内全部地点', time: '时间', exported: '已导出 {n} 行', export: '导出 CSV', table: '数据表', count: '数量', chart_label: '报警数量图,共 {n} 起', sum: '合计',
  },
}
