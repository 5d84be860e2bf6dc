'use strict'
// The database of `common/server.py`, for clients in Node.
//
// Every message takes half a round trip. The server lets a connection in after `connect`, if it then has a slot left; it
// refuses connections for some time after a restart; it ends sessions when told to.

const { CONNECTION, FAULT } = require('./clock')

class Server {
  constructor(clock, schedule) {
    this.clock = clock
    this.half = schedule.round_trip / 2
    this.connect = schedule.connect
    this.slots = schedule.slots
    this.statementTimeout = schedule.statement_timeout
    this.refusesUntil = 0
    this.places = []
    this.free = []
    for (const [, at, down] of schedule.faults) clock.at(at, () => this.restart(at, down), FAULT)
  }

  restart(at, down) {
    this.refusesUntil = Math.max(this.refusesUntil, at + down)
    for (const session of this.places.filter((session) => session !== null)) session.end(new Error('lost'))
  }

  admitted() {
    return this.places.filter((session) => session !== null && session.admitted).length
  }

  seat(session) {
    if (this.free.length === 0) {
      this.free.push(this.places.length)
      this.places.push(null)
    }
    session.place = this.free.pop()
    this.places[session.place] = session
  }

  unseat(session) {
    this.places[session.place] = null
    this.free.push(session.place)
  }

  message(deliver, rank) {
    this.clock.at(this.clock.now + this.half, deliver, rank)
  }

  later(span, callback) {
    if (span > 0) this.clock.at(this.clock.now + span, callback)
    else callback()
  }
}

// The server's end of a connection, and what its client has been told.
class Session {
  constructor(server, onGone) {
    this.server = server
    this.onGone = onGone
    this.admitted = this.ended = this.left = this.active = false
    this.gone = false
    this.transaction = this.status = 'idle'
    this.answer = null
  }

  tell(error, status, rank) {
    this.server.message(() => {
      const answer = this.answer
      this.answer = null
      if (answer === null) return
      this.status = status
      answer(error)
    }, rank)
  }

  dial(answer) {
    const server = this.server
    this.answer = answer
    server.message(() => {
      if (server.clock.now < server.refusesUntil) {
        this.ended = true
        return this.tell(new Error('refused'), 'idle')
      }
      server.seat(this)
      server.later(server.connect, () => {
        if (this.ended) return
        if (server.admitted() >= server.slots) {
          this.leave()
          return this.tell(new Error('too many'), 'idle')
        }
        this.admitted = true
        this.tell(null, 'idle', CONNECTION)
      })
    })
  }

  // A statement. One outside of a transaction begins one, if `begins` says so.
  send(demand, { begins, ends }, answer) {
    const server = this.server
    this.answer = answer
    server.message(() => {
      if (this.ended) return
      if (this.transaction === 'failed' && !ends) return this.tell(new Error('aborted'), 'failed')
      if (this.transaction === 'idle' && begins) this.transaction = 'open'
      const limit = server.statementTimeout
      const cut = limit > 0 && demand > limit
      this.active = demand > 0
      server.later(cut ? limit : demand, () => {
        if (this.ended) return
        this.active = false
        if (this.left) return this.leave()
        if (ends) this.transaction = 'idle'
        else if (cut && this.transaction === 'open') this.transaction = 'failed'
        this.tell(cut ? new Error('timeout') : null, this.transaction)
      })
    })
  }

  leave() {
    this.ended = true
    this.server.unseat(this)
  }

  // The server ends it.
  end(error) {
    this.leave()
    this.server.message(() => {
      this.gone = true
      const answer = this.answer
      this.answer = null
      this.onGone(error, answer)
    })
  }

  // The client has gone. A statement that runs goes on.
  hangUp() {
    this.answer = null
    this.server.message(() => {
      if (this.ended) return
      this.left = true
      if (!this.active) this.leave()
    })
  }
}

module.exports = { Server, Session }
