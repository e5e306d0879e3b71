// The adapter: the one file that knows both vocabularies, LockServer.tla's and lock_server.js's.
//
// Each line of standard input is a request, each line of standard output its answer, as
// docs/adapters.md says. Messages for people go to standard error (console.error).
"use strict";

const readline = require("node:readline");
const { LockServer } = require("./lock_server.js");

// --- values: model values are {"#model": name}, sequences {"#tup": [...]}

const model = (name) => ({ "#model": name });
const nameOf = (value) => value["#model"];

// --- the system

let server = new LockServer();

const actions = {
  Acquire: { arguments: ["client"], perform: ({ client }) => server.acquire(nameOf(client)) },
  Release: { arguments: ["client"], perform: ({ client }) => server.release(nameOf(client)) },
  Cancel: { arguments: ["client"], perform: ({ client }) => server.cancel(nameOf(client)) },
};

const variables = {
  holder: () => model(server.holder ?? "Nobody"),
  waiting: () => ({ "#tup": server.queue.map(model) }),
};

// --- the protocol, the same for every system

class NotPossible extends Error {}

const requests = {
  hello: () => ({
    protocol: 1,
    variables: Object.keys(variables),
    unobserved: [],
    actions: Object.fromEntries(Object.entries(actions).map(([name, { arguments: names }]) => [name, names])),
  }),
  reset: ({ initial }) => {
    if (nameOf(initial.holder) !== "Nobody") {
      throw new NotPossible("a lock server starts with its lock free");
    }
    server = new LockServer();
    return {};
  },
  perform: ({ action, arguments: given }) => {
    actions[action].perform(given);
    return {};
  },
  observe: () => Object.fromEntries(Object.entries(variables).map(([name, show]) => [name, show()])),
  close: () => ({}),
};

function answer(request) {
  try {
    return { ok: requests[request.request](request) };
  } catch (error) {
    return error instanceof NotPossible ? { not_possible: error.message } : { error: error.stack };
  }
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const request = JSON.parse(line);
  const text = JSON.stringify({ id: request.id, ...answer(request) }) + "\n";
  process.stdout.write(text, () => request.request === "close" && process.exit(0));
});
