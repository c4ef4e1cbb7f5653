import { pagesZh } from './pages.zh'

export const zh = {
  app: { name: '安居', full: '安居 社区安防平台', untitled: '未命名' },
  tier: { community: '社区', county: '县区', city: '市' },
  section: {
    overview: '总览', live: '实时', alarms: '报警', map: '地图', playback: '回放', doors: '门禁', vehicles: '车辆', visitors: '访客',
    fire: '消防能源', people: '人房', operations: '运维', acceptance: '验收', statistics: '统计', system: '系统',
  },
  page: {
    home: '总览', alarms: '报警', ranking: '小区排名', map: '地图', events: '事件记录', places: '地点', devices: '设备', quarantine: '隔离区',
    linkage: '联动规则', links: '上下级链路', statistics: '报警统计', users: '用户', roles: '角色与权限', policies: '安全策略', operator_log: '操作日志',
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
    preferences: '界面', counters: '未确认报警', skip: '跳到内容',
  },
  list: { none_fits: '没有符合条件的记录', filtered_why: '当前筛选条件下没有记录。', filtered_do: '放宽或清除筛选条件再看。' },
  span: { day: '{n} 天', hour: '{n} 小时', minute: '{n} 分钟', second: '{n} 秒', ago: '{span}前' },
  alarm: { drill: '演练' },
  pages: pagesZh,
}
