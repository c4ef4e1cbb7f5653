/** Tells at once, then gathers: never more often than every `least` ms, and slower where telling itself takes long. */
export class Pulse {
  private timer: ReturnType<typeof setTimeout> | undefined
  private free = -Infinity

  constructor(
    private readonly tell: () => void | Promise<void>, private readonly least = 60, private readonly most = 200,
    private readonly now: () => number = () => performance.now(),
  ) {}

  beat(): void {
    if (this.timer !== undefined) return
    const wait = this.free - this.now()
    if (wait <= 0) void this.go()
    else this.timer = setTimeout(() => void this.go(), wait)
  }

  stop(): void { clearTimeout(this.timer); this.timer = undefined }

  private async go(): Promise<void> {
    this.timer = undefined
    const begun = this.now()
    this.free = begun + this.least
    await this.tell()
    const cost = this.now() - begun
    this.free = begun + Math.min(this.most, Math.max(this.least, cost * 3))
  }
}
