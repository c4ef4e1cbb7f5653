/** Words of the pages beside alarms; the shell's are in zh.ts. */
export const pagesZh = {}
