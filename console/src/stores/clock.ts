import { defineStore } from 'pinia'
import { ref } from 'vue'

/** Ticks on the server's seconds: ages and the clock must not depend on this machine's own time. */
export const useClock = defineStore('clock', () => {
  const now = ref(Date.now())
  const offset = ref(0)
  const synchronised = ref(false)

  function tick(): void { now.value = Date.now() + offset.value }
  function sync(serverTime: string): void {
    const server = Date.parse(serverTime)
    if (Number.isNaN(server)) return
    offset.value = server - Date.now()
    synchronised.value = true
    tick()
  }
  setInterval(tick, 1000)
  return { now, offset, synchronised, sync }
})
