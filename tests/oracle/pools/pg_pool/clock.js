'use strict'
// Virtual time in whole nanoseconds. Timers ring one by one, in one instant in the order of poolcast's ranks and then as they
// were set; before the next one rings, Node's own queues (nextTick, promises) run empty, as after each of its timers.

const [COMPLETION, CONNECTION, TIMEOUT, FAULT, ARRIVAL] = [0, 1, 2, 3, 4]

class Clock {
  constructor() {
    this.now = 0
    this.between = () => {}
    this.timers = []
  }

  at(when, callback, rank = COMPLETION) {
    const timer = { when, rank, callback }
    const comesLater = (other) => other.when > when || (other.when === when && other.rank > rank)
    let place = this.timers.length
    while (place > 0 && comesLater(this.timers[place - 1])) place--
    this.timers.splice(place, 0, timer)
    return timer
  }

  cancel(timer) {
    const place = this.timers.indexOf(timer)
    if (place >= 0) this.timers.splice(place, 1)
  }

  sleep(span) {
    return new Promise((resolve) => this.at(this.now + span, resolve))
  }

  async run() {
    await settled()
    while (this.timers.length > 0) {
      const timer = this.timers.shift()
      if (timer.when > this.now) {
        this.between()
        this.now = timer.when
      }
      timer.callback()
      await settled()
    }
    this.between()
  }

  // Stands in for the global timers, which pg-pool takes.
  install() {
    global.setTimeout = (callback, millis) => {
      const timer = this.at(this.now + Math.round(millis * 1e6), callback, TIMEOUT)
      return Object.assign(timer, { ref() {}, unref() {} })
    }
    global.clearTimeout = (timer) => timer && this.cancel(timer)
  }
}

const immediate = setImmediate

// Resolves when nothing is left to do in this instant.
function settled() {
  return new Promise((resolve) => immediate(resolve))
}

module.exports = { ARRIVAL, CONNECTION, FAULT, TIMEOUT, Clock }
