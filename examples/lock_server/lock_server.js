// The implementation: a lock server that knows nothing of TLA+ and of tlacheck.
"use strict";

class LockServer {
  constructor() {
    this.holder = null;
    this.queue = [];
  }

  acquire(client) {
    if (this.holder === null) {
      this.holder = client;
    } else {
      this.queue.push(client);
    }
  }

  release(client) {
    if (this.holder !== client) {
      throw new Error(`${client} does not hold the lock`);
    }
    this.holder = this.queue.shift() ?? null;
  }

  cancel(client) {
    this.queue = this.queue.filter((other) => other !== client);
  }
}

module.exports = { LockServer };
