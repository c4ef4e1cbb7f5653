import { pagesZh } from './pages.zh'
import { recordsZh } from './records.zh'
import { vehiclesZh } from './vehicles.zh'
import { videoZh } from './video.zh'

export const zh = {
  app: { name: '安居', full: '安居 社区安防平台', untitled: '未命名' },
  tier: { community: '社区', county: '县区', city: '市' },
  section: {
    overview: '总览', live: '实时', alarms: '报警', map: '地图', playback: '回放', doors: '门禁', vehicles: '车辆', visitors: '访客',
    fire: '消防能源', people: '人房', operations: '运维', acceptance: '验收', statistics: '统计', system: '系统',
  },
  page: {
    live: '实时画面', playback: '回放取证', storage: '录像存储', video_device: '视频设备',
    home: '总览', alarms: '报警', ranking: '小区排名', map: '地图', events: '事件记录', places: '地点', devices: '设备', quarantine: '隔离区',
    linkage: '联动规则', links: '上下级链路', statistics: '统计', users: '用户', roles: '角色与权限', policies: '安全策略', operator_log: '操作日志',
    vehicles: '车辆通行', lanes: '车道', watch_list: '布控名单', sightings: '人员抓拍', site_files: '导入导出', backups: '备份',
  },
  common: {
    ok: '确定', cancel: '取消', save: '保存', close: '关闭', back: '返回', retry: '重试', more: '加载更多', refresh: '刷新', search: '查询', clear: '清除条件',
    all: '全部', yes: '是', no: '否', none: '无', loading: '正在加载', slow: '比平常慢,仍在等待', send: '提交', edit: '修改', create: '新增', actions: '操作',
    name: '名称', username: '用户名', password: '密码', code: '代码', loaded: '已显示 {n} 条', loaded_all: '共 {n} 条', from: '从', to: '到', now: '现在',
    copy: '复制', copied: '已复制', done: '已完成', optional: '可不填', place: '地点', device: '设备', state: '状态', time: '时间', seconds: '{n} 秒',
    choose_place: '选择地点', choose: '请选择', draft_kept: '草稿已恢复',
  },
  level: { '1': '特急', '2': '紧急', '3': '一般', '4': '提示' },
  note: {
    empty: '没有内容', denied: '没有权限', denied_why: '您的角色不包含此功能,或范围不含此处。', denied_do: '如工作需要,请联系安全管理员授权。',
    error: '没有成功', why: '原因', what_to_do: '怎么办', code: '代码',
  },
  failure: {
    unreachable: '连不上服务器', unreachable_why: '网络断开,或服务正在重启。', unreachable_do: '请检查网络;服务重启一般不超过 5 秒,可稍后重试。',
    away: '数据库暂时不可用', away_why: '数据库没有应答,数据不会丢失。', away_do: '请等几秒后重试;持续超过一分钟请通知维护人员。',
    denied: '没有权限', denied_why: '您的角色或范围不包含此操作。', denied_do: '如工作需要,请联系安全管理员授权。',
    absent: '找不到', absent_why: '它不存在,或不在您的范围内。', absent_do: '请返回列表刷新。',
    conflict: '与现状冲突', conflict_do: '请刷新后查看最新状态,再决定。', conflict_why: '别人先做了改动,或当前状态不允许这一步。',
    invalid: '填写有误', invalid_why: '服务器没有接受这些内容。', invalid_do: '请按提示修改后再提交。',
    too_many: '操作太频繁', too_many_why: '服务器限制了频率。', too_many_do: '请稍候再试。',
    unexpected: '服务器出错', unexpected_why: '程序遇到了没有预料的情况,已记入日志。', unexpected_do: '请重试;仍不行请把代码告诉维护人员。',
  },
  reauth: { title: '请再次确认身份', why: '此操作需要本人再次输入密码。', wrong: '密码不对,请重试。' },
  shell: {
    search: '查找地点、设备、页面', search_none: '没有找到“{q}”', expand: '展开菜单', fold: '收起菜单', theme_dark: '深色', theme_light: '浅色', language: 'English',
    large_type: '大字', log_out: '退出登录', lock: '锁定席位', change_guard: '换班', account: '账户', my_password: '修改密码', keys: '快捷键', menu: '菜单',
    preferences: '界面', counters: '未确认报警', skip: '跳到内容', rights_changed: '您的权限刚刚变更,页面已按新权限重新载入。',
  },
  list: { none_fits: '没有符合条件的记录', filtered_why: '当前筛选条件下没有记录。', filtered_do: '放宽或清除筛选条件再看。', arrived: '{n} 条新记录,点此显示' },
  span: { day: '{n} 天', hour: '{n} 小时', minute: '{n} 分钟', second: '{n} 秒', ago: '{span}前' },
  kind: {
    fire: '火灾报警', fire_manual: '手动火警', fire_supervisory: '消防监管', panic: '紧急求助', duress: '胁迫', help: '求助', intrusion: '入侵', tamper: '防拆',
    watch_list: '布控命中', gas: '燃气泄漏', water: '漏水', environment: '环境异常', access_denied: '拒绝通行', door_forced: '强行开门', door_held: '门超时未关',
    power: '电源异常', fault: '故障', communication: '通信中断', arm: '布防', disarm: '撤防', bypass: '旁路', test: '测试', info: '信息',
  },
  standing: {
    new: '新', acknowledged: '已确认', handling: '处置中', to_review: '待复核', closed: '已关闭', returned: '已恢复未确认', shelved: '搁置', bypassed: '旁路',
  },
  finding: {
    animal: '动物', weather: '天气', resident: '居民误触', test: '测试', device_fault: '设备故障', authorised_work: '授权施工', other_false: '其他误报', unknown: '原因不明',
    true: '真警', cooking: '烹饪油烟', dust_or_steam: '灰尘或水汽', pressed_by_mistake: '误按', repaired: '已修复', power_cut: '停电', network: '网络问题', maintenance: '维护作业', misread: '号牌误读', checked_let_in: '已核实放行', entry_wrong: '名单有误',
  },
  step: {
    raise: '产生', repeat: '再次触发', return: '恢复', escalate: '升级告知', acknowledge: '确认', take_over: '接管', join: '加入', handle: '处置', finding: '判定',
    note: '备注', close: '关闭', undo_close: '撤销关闭', review: '复核', shelve: '搁置', unshelve: '取消搁置',
  },
  ended: { device: '设备报告恢复', timeout: '超时结束(未收到恢复)', operator: '人工关闭' },
  flag: {
    zone_unknown: '未登记防区', time_invalid: '设备时间无效', time_unreadable: '设备时间读不出', clock_future: '设备时间超前', clock_off: '设备时钟偏差大', late: '迟到', rerun: '隔离后重新处理', text_cleaned: '文字已清洗', key_reused: '同键不同内容', bypassed: '旁路中',
  },
  alarm: {
    title: '报警', drill: '演练', sent: '“{step}”已发往报警所在平台,等待回执', more: '还有 {n} 条', unsaved: '未保存', unsaved_why: '数据库暂不可用:报警照常显示和鸣响,恢复后自动入库。',
    columns: { level: '级别', age: '时长', place: '地点 · 设备', kind: '类型', state: '状态', owner: '处理人', picture: '画面' },
    tabs: { open: '未关闭', to_review: '待复核', closed: '已关闭', all: '全部' },
    filters: { level: '级别', kind: '类型', place: '地点', q: '地点、设备、防区', since: '从', until: '到', drill: '只看演练' },
    no_picture: '无关联摄像机', group: '成组', alone: '逐条', storm: '报警洪泛:10 分钟内新增 {n} 条,已按设备和类型成组,每组只响一次。', group_ack: '整组确认', group_waiting: '{n} 条未确认',
    group_count: '共 {n} 条', group_latest: '最近 {time}', unfold: '展开', fold: '收起', show_all: '显示全部',
    none: '没有报警', none_why: '最近一次事件 {ago}收到,链路正常。', none_why_never: '尚未收到任何事件;链路正常。请确认设备已接入。', none_broken: '无法确认有没有报警', none_broken_why: '报警链路已断开,最近一次事件 {time}。',
    link_broken: '报警链路中断', link_why: { push: '与服务器的实时连接断开,正在重连', database: '数据库不可用,报警照常显示,标记为“未保存”', silent: '服务器没有应答,正在重连' }, last_event: '最近一次事件 {time}({ago})', never: '无',
    new_while_typing: '新报警:离开输入框(Esc)后打开', open_now: '打开', bound: '按键仍作用于:{name}。按 Esc 放开。',
    place: '地点', device: '设备', zone: '防区', code: '代码', started: '发生', kept: '平台时间', device_time: '设备时间', offset: '设备时钟偏差', offset_value: '{n} 秒', count: '触发次数', last: '最近触发',
    home: '所在平台', owner: '处理人', joined: '参与', ended_by: '恢复', still: '仍在触发', escalation: '升级', escalation_value: '已告知第 {n} 圈', flags: '标记', finding: '判定', review: '复核结果', note: '备注',
    history: '处理过程', history_none: '还没有人处理。', raw: '原始事件', raw_show: '查看原始报文(将记入操作日志)', raw_hide: '收起原始报文', facts: '报警内容', sop: '处置预案', actions: '操作', by_rule: '规则',
    acknowledge: '确认', judge: '判定', close: '关闭', close_panel: '收起(Esc)', take_over: '接管', join: '加入', handle: '开始处置', shelve: '搁置', unshelve: '取消搁置', add_note: '写备注', review_do: '复核通过', undo: '撤销',
    closed_bar: '已关闭:{name}', undo_left: '{n} 秒内可撤销',
    note_true: '真警须写明情况', note_hint: '简要说明情况', note_close: '关闭说明(可不填)', person: '到场人员姓名', person_why: '火灾、求助、胁迫类报警关闭前须填到场人员。', shelve_until: '搁置到', shelve_why: '搁置原因',
    shelve_minutes: { '15': '15 分钟', '30': '30 分钟', '60': '1 小时', '120': '2 小时', '240': '4 小时' }, first_finding: '请先判定(1–9)', still_active: '仍在触发,不能关闭', confirm_hint: '回车提交,Esc 取消',
    text110: '110 报警文字', copy110: '复制', text110_body: '{time},{place},{kind}。{note}', others: '同组报警', no_right: '您只能查看,不能处理此报警。', locked_only: '席位已锁定:只能确认。', seen_by: '{name}({tier})',
    not_found: '找不到这条报警', export: '导出', export_who: '按当前条件导出为 CSV,需再次输入密码;导出记入操作日志,安全与审计管理员可见。', exported: '已导出 {n} 条', own_class: '本类判定', elsewhere: '由 {node} 处理',
  },
  refusal: {
    bad_login: '用户名或密码不对。', totp_needed: '请输入动态口令。', bad_code: '动态口令不对,请检查手机时间。', too_busy: '同时登录的人太多,请几秒后再试。', locked_out: '连续失败次数过多,账号已锁定。',
    bad_link: '设置链接无效、已用过或已过期,请重启 Anju 取得新链接。', set_up: '本节点已完成设置,请直接登录。', three_people: '三位管理员必须是三个人:用户名和姓名都不能相同。', three_administrators: '系统、安全、审计管理员各一位。',
    weak_password: '密码不够强。', used_before: '不能使用最近用过的密码。', bad_username: '用户名为 3 至 32 位小写字母、数字、点、横线或下划线。', weak_pin: 'PIN 不够强。', no_pin: '此账号不能使用 PIN。', reauthenticate: '需要再次验证身份。',
    locked: '席位已锁定,请先解锁。', no_session: '登录已结束,请重新登录。', session_ended: '登录已结束,请重新登录。', csrf: '请求不是从本页发出的。', forbidden: '您的角色或范围不包含此操作。',
    is_acknowledged: '已有人确认。', is_handling: '已在处置中。', is_new: '请先确认。', is_closed: '报警已关闭。', is_to_review: '已关闭,等待复核。', still_active: '仍在触发:火灾、求助、胁迫类报警不能在触发中关闭。', no_finding: '关闭前请先判定(1–9)。',
    note_needed: '真警必须写明情况。', person_needed: '请填写到场人员。', unknown_finding: '此类报警没有这项判定。', empty_note: '备注不能为空。', not_acknowledged: '还没有人确认,请先确认。', never_shelved: '火灾、求助、胁迫类报警不能搁置。',
    shelve_until: '搁置须在 4 小时以内结束。', reason_needed: '请写明搁置原因。', not_shelved: '没有搁置。', not_closed: '没有可以撤销的关闭。', undo_over: '只有关闭者本人能在 10 秒内撤销。', same_person: '复核须由另一人进行。', changed_meanwhile: '别人刚刚改动了这条报警。',
    no_alarm: '此处没有这条报警。', sent_refused: '报警所在平台拒绝了“{step}”:{outcome}', sent_unknown: '“{step}”已发出,但 30 秒内没有收到结果;请看报警现状再决定。', no_answer: '没有回音',
  },
  login: {
    title: '登录', username: '用户名', password: '密码', totp: '动态口令', totp_hint: '手机验证器上的 6 位数字', enter: '登录并启用声音', ended: '登录已结束,请重新登录。', locked_out: '账号已锁定,{time} 后再试(还有 {span})。',
    must_change: '首次登录或密码到期,请设新密码。', old: '当前密码', next: '新密码', again: '再输一次', differs: '两次输入不一致。', change: '修改密码', changed: '密码已修改。', caps: '大写锁定已打开',
  },
  setup: {
    title: '首次设置', why: '为本节点命名,并设立三位互相独立的管理员。设置只能做一次,此链接随即失效。', node_name: '节点名称', node_hint: '例如:锦绣家园社区平台、利州区平台',
    no_token: '缺少设置链接', no_token_why: '首次设置只能从启动时打印的一次性链接打开。', no_token_do: '请在服务器上查看启动输出中的 /#/setup?token=… 链接。', needless: '本节点已完成设置', to_login: '去登录', submit: '完成设置', done: '设置完成,请登录。',
    system: '系统管理员', system_why: '管理用户账号、设备、地点与链路;不能给任何人授权,也不能改操作日志。', security: '安全管理员', security_why: '授予角色和范围、制定安全策略;不能创建账号。', audit: '审计管理员', audit_why: '查阅并验证操作日志;不能改任何业务数据。',
    person: '姓名', username: '用户名', password: '密码', again: '再输一次密码', three: '三位管理员必须是三个人,任何一人都不能独自越权。', step: '第 {n} 位',
  },
  strength: {
    length: '至少 {n} 位', classes: '大写、小写、数字、符号中至少 {n} 类', name: '不含用户名或姓名', common: '不是常见密码或重复字符', word: { weak: '弱', fair: '还不够', good: '符合要求' },
  },
  sound: {
    off: '声音未启用', off_why: '浏览器要求先点一下才能发声。', untested: '声音未启用', untested_why: '还没有人听到试音。', on: '声音正常', muted: '静音 {n} 秒', test: '试音', heard: '听到了吗?', heard_yes: '听到了', heard_no: '没听到',
    not_heard: '请检查音箱电源、音量和插头,再试一次。', mute: '静音 60 秒(M)', unmute: '取消静音', voice: '语音播报地点和类型', title: '报警声音', breaks: '特急报警不受静音影响。',
  },
  lock: {
    title: '席位已锁定', why: '报警、声音和确认照常;其余功能需要解锁。', secret: 'PIN 或密码', unlock: '解锁', change: '换班', idle: '因无操作自动锁定',
    guard_title: '换班', guard_why: '接班人登录后,布局保持不变,交班人随即退出。', guard_user: '接班人用户名', guard_secret: '接班人 PIN 或密码', guard_go: '接班',
  },
  link: {
    up: '上联正常', none: '未上联', down: '上联中断', waiting: '等待上级批准', delay: '延迟 {n} 秒', backlog: '积压 {n}', title: '到上级平台的链路', last_ack: '上级最近确认 {time}', live_down: '实时连接断开', live_up: '实时连接正常', alarms_backlog: '报警积压', bulk_backlog: '其他积压',
  },
  clock: { synchronised: '已与服务器对时', not: '尚未对时' },
  home: {
    open: '未确认报警', online: '设备在线率', today: '今日事件', oldest: '最久未处理', none: '无', histogram: '24 小时报警(按级别)', to_do: '现在需要人处理', nothing: '没有等待处理的报警。', no_data: '最近 24 小时没有报警', see_all: '查看全部', level_unit: '{n} 条', updated: '更新于 {time}', yours: '您可以使用的功能', communities: '各小区现状', all_communities: '全部 {n} 个小区',
  },
  keys: {
    title: '快捷键', alarms: '报警', go: '跳转(先按 g)', general: '通用', space: '确认', digits: '判定', digit_true: '真警', enter: '关闭', walk: '上一条 / 下一条', escape: '返回,放开按键', undo: '撤销关闭', mute: '静音 60 秒', search: '搜索', help: '显示本表', full: '全屏',
  },
  account: {
    title: '账户', pin: '设置 PIN', pin_new: 'PIN(6 位以上数字,留空为取消)', pin_done: 'PIN 已更新', totp: '启用动态口令', totp_how: '用手机验证器录入下面的密钥,再输入显示的 6 位数字。', totp_secret: '密钥', totp_code: '6 位数字', totp_done: '动态口令已启用', totp_on: '动态口令已启用',
    sessions: '我的登录', leave: '退出登录', roles: '角色',
  },
  pages: pagesZh,
  records: recordsZh,
  vehicles: vehiclesZh,
  video: videoZh,
}
