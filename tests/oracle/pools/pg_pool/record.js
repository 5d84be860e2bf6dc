'use strict'
// Plays schedules, one JSON object a line from `record.py pg_pool --only-schedules`, with the real pg-pool, and writes
// what it did as `record.py` writes it for the Python libraries.

const readline = require('readline')
const { Client, Driver } = require('./client')
const { ARRIVAL, Clock } = require('./clock')
const { Server } = require('./server')

const Pool = require('pg-pool')

class Trace {
  constructor(clock) {
    Object.assign(this, { clock, pool: null, events: [], counters: [], errors: [], before: 0, over: false })
    clock.between = () => this.count()
  }

  note(letter, client, request) {
    if (this.over) return
    const gap = this.clock.now - this.before || ''
    this.before = this.clock.now
    this.events.push(`${gap}${letter}${request ?? ''}${client ? `/${client.serial}` : ''}`)
  }

  // Called when all has happened that happens in this instant.
  count() {
    if (this.over) return
    const counts = [this.pool.totalCount, this.pool.idleCount, this.pool.waitingCount].join()
    if (counts !== this.counts) this.counters.push(`${this.clock.now},${counts}`)
    this.counts = counts
  }
}

const REFUSALS = {
  'timeout exceeded when trying to connect': 'PoolTimeout',
  'Connection terminated due to connection timeout': 'ConnectTimeout',
}

// A request of an application in Node: nobody can cancel it.
class Task {
  constructor(number, pool, driver, trace) {
    Object.assign(this, { number, pool, driver, trace })
  }

  async request({ steps }) {
    try {
      await this.steps(steps, null)
    } catch (error) {
      if (!this.trace.over) this.trace.errors.push(`${this.number} ${REFUSALS[error.message] ?? error.message}`)
    }
  }

  sleep(span) {
    return span > 0 ? this.driver.clock.sleep(span) : undefined
  }

  async steps(steps, client) {
    for (const [name, wanted] of steps) {
      if (name === 'await') {
        await this.sleep(wanted)
      } else if (name === 'query') {
        await this.sleep(this.driver.costs.statement)
        await client.query(wanted)
      } else if (name === 'transaction') {
        client.begin()
        await this.steps(wanted, client)
        if (client.isInTransaction()) {
          await this.sleep(this.driver.costs.statement)
          await client.commit()
        }
      } else {
        await this.sleep(this.driver.costs.checkout)
        await this.session(wanted)
      }
    }
  }

  async session(steps) {
    this.trace.note('q', null, this.number)
    let client
    try {
      client = await this.pool.connect()
    } catch (error) {
      this.trace.note(REFUSALS[error.message] ? 't' : 'e', null, this.number)
      throw error
    }
    this.trace.note('o', client, this.number)
    const ignore = () => {}
    client.on('error', ignore)
    try {
      await this.steps(steps, client)
    } finally {
      client.removeListener('error', ignore)
      client.release()
    }
  }
}

async function play(schedule) {
  const clock = new Clock()
  clock.install()
  const trace = new Trace(clock)
  const driver = new Driver(clock, new Server(clock, schedule), schedule.driver, (letter, client) => trace.note(letter, client))
  const [settings] = Object.values(schedule.pool)
  const millis = (text) => parseInt(text, 10) / 1e6
  const pool = new Pool({
    Client,
    max: settings.max,
    min: settings.min,
    maxUses: settings.maxUses ?? Infinity,
    idleTimeoutMillis: millis(settings.idleTimeoutMillis),
    connectionTimeoutMillis: millis(settings.connectionTimeoutMillis),
    maxLifetimeSeconds: millis(settings.maxLifetimeSeconds) / 1e3,
  })
  pool.on('error', () => {})
  trace.pool = pool
  schedule.requests.forEach((wanted, number) => clock.at(wanted.at, () => new Task(number, pool, driver, trace).request(wanted), ARRIVAL))
  clock.at(schedule.end, () => {
    trace.count()
    trace.over = true
    clock.timers = []
  })
  await clock.run()
  const text = { trace: trace.events.join(' '), counters: trace.counters.join(' ') }
  return JSON.stringify({ schedule, ...text, errors: trace.errors })
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) console.log(await play(JSON.parse(line)))
}

main()
