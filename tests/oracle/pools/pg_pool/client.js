'use strict'
// A client with those parts of pg.Client 8.23 that pg-pool looks at, over the common server.

const { EventEmitter } = require('events')
const { Session } = require('./server')

let driver

// Opens clients and counts them; `note(letter, client)` hears what they do.
class Driver {
  constructor(clock, server, costs, note) {
    Object.assign(this, { clock, server, costs, note, opened: 0 })
    driver = this
  }
}

class Client extends EventEmitter {
  constructor() {
    super()
    this.driver = driver
    this.serial = ++driver.opened
    this.session = new Session(driver.server, (error, answer) => this.lost(error, answer))
    this.isOpen = this._ended = this._ending = this.isBegun = false
    this._queryable = true
    // What pg-pool destroys when a connect takes too long.
    this.connection = { stream: { destroy: () => this.destroyed() } }
  }

  connect(callback) {
    this.callback = callback
    this.driver.note('s', this)
    this.session.dial((error) => {
      this.callback = null
      if (error === null) {
        this.isOpen = true
        this.driver.note('d', this)
      } else {
        this.driver.note('f', this)
        this._ended = true
      }
      callback(error)
    })
  }

  destroyed() {
    this.session.hangUp()
    this._ended = true
    process.nextTick(() => this.callback(new Error('Connection terminated unexpectedly')))
  }

  // The server has closed the connection. Who is asking hears of it, and everybody who listens.
  lost(error, answer) {
    this._queryable = false
    if (!this.isOpen) {
      if (answer !== null) answer(error)
      return
    }
    this._ended = true
    if (answer !== null) process.nextTick(() => answer(error))
    this.emit('error', error)
  }

  begin() {
    this.isBegun = true
  }

  isInTransaction() {
    this.isBegun = false
    return this.session.status !== 'idle'
  }

  query(demand) {
    const begins = this.isBegun && this.session.status === 'idle'
    return this.send(demand, { begins, ends: false })
  }

  commit() {
    return this.send(0, { begins: false, ends: true })
  }

  send(demand, kind) {
    return new Promise((resolve, reject) => {
      if (this.session.gone) return reject(new Error('lost'))
      this.session.send(demand, kind, (error) => (error === null ? resolve() : reject(error)))
    })
  }

  // One that has ended already calls back at once; else the server has to hang up, which takes the driver's time.
  end(callback) {
    this._ending = true
    if (this.isOpen) {
      this.isOpen = false
      this.driver.note('c', this)
    }
    if (this._ended) {
      if (callback) callback()
      return
    }
    this._ended = true
    this.session.hangUp()
    const ended = () => {
      if (callback) callback()
      this.emit('end')
    }
    const cost = this.driver.costs.close
    if (cost > 0) this.driver.clock.at(this.driver.clock.now + cost, ended)
    else process.nextTick(ended)
  }

  ref() {}
  unref() {}
}

module.exports = { Client, Driver }
