// Shows the trace that the page holds. Every text of the trace reaches the page as `textContent`.
//
// A trace has the states 0 (the initial one) to N, and each state but the first the step that led to
// it; one number names both. A lasso has one row more, for the way back. Rows and arrows exist only
// for the part of the timeline that is in view; a state is put together when it is looked at.
"use strict";
(() => {
  const trace = JSON.parse(document.getElementById("trace").textContent);
  const steps = trace.steps;
  const last = steps.length;
  const rowCount = last + 1 + (trace.back ? 1 : 0);

  const ROW_PX = 30; // as --row in the style sheet
  const SPARE_ROWS = 15; // rows kept above and below those in view
  const FLIGHT_ROWS_MAX = 20; // a message that is longer on its way is drawn at its ends only
  const KEPT_EVERY = 64; // every so many states one is kept whole
  const NOWHERE = -1; // the lane of what belongs to no node
  const LANE_COLOURS = 8;

  const byId = (id) => document.getElementById(id);
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  let chosen = 0; // the step that is shown
  let matches = []; // the steps that the search found, ascending
  let isMatch = new Set();
  let isPrinting = false;

  // --- making elements ---------------------------------------------------------------------------

  /** An element with a class, and children that are elements or texts. */
  function make(tag, className, ...children) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /** An SVG element with attributes. */
  function draw(tag, attributes, title) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (title) element.append(Object.assign(draw("title", {}), { textContent: title }));
    return element;
  }

  const laneClass = (lane) => (lane === null || lane < 0 ? "" : ` lane-${lane % LANE_COLOURS}`);
  const nodeName = (lane) => make("span", `node${laneClass(lane)}`, trace.nodes[lane]);

  /** A button that goes to a step. */
  function link(number, text) {
    const button = make("button", "link", text);
    button.type = "button";
    button.addEventListener("click", () => choose(number));
    return button;
  }

  // --- states ------------------------------------------------------------------------------------

  const kept = [{ cells: trace.cells, messages: trace.messages.map((each) => new Map(each)) }];

  /** The state after `step`, from the one before: cells, and of each network message -> copies. */
  function after(state, step) {
    const cells = state.cells.slice();
    for (const [index, text] of step.cells) cells[index] = text;
    const messages = state.messages.slice();
    const isOwn = new Set();
    for (const [, network, text, copies] of step.messages) {
      if (network === NOWHERE) continue; // it was read, and stays
      if (!isOwn.has(network)) messages[network] = new Map(messages[network]);
      isOwn.add(network);
      const left = (messages[network].get(text) ?? 0) + copies;
      if (left > 0) messages[network].set(text, left);
      else messages[network].delete(text);
    }
    return { cells, messages };
  }

  function stateAt(number) {
    let from = Math.min(Math.floor(number / KEPT_EVERY), kept.length - 1);
    let state = kept[from];
    for (let next = from * KEPT_EVERY + 1; next <= number; next += 1) {
      state = after(state, steps[next - 1]);
      if (next % KEPT_EVERY === 0) kept[next / KEPT_EVERY] = state;
    }
    return state;
  }

  // --- words -------------------------------------------------------------------------------------

  const stepOf = (row) => (row > last ? trace.back : steps[row - 1]); // none for row 0
  const isBroken = (number) => trace.violation !== null && trace.violation.step === number;
  const isLoopStart = (number) => trace.loop === number && trace.loop < last;

  function title(row) {
    if (row === 0) return "initial state";
    if (row > last) return trace.loop === last ? `state ${last} forever` : `back to state ${trace.loop}, and so forever`;
    return stepOf(row).action || "(unnamed step)";
  }

  // Cells are numbered node by node within a variable, then come the variables of no node.
  const perNodeCells = trace.perNode.length * trace.nodes.length;
  const laneOf = (cell) => (cell < perNodeCells ? cell % trace.nodes.length : NOWHERE);
  const nameOf = (cell) =>
    cell < perNodeCells ? trace.perNode[Math.floor(cell / trace.nodes.length)] : trace.shared[cell - perNodeCells];

  /** What a step changed, in words, each with the lane where: node by node, then messages. */
  function says(row) {
    if (row === 0) return [];
    const step = stepOf(row);
    const changes = step.cells.flatMap(([cell, , parts]) => parts.map((part) => [laneOf(cell), part]));
    const words = step.messages.map(([how, , text, copies]) => [
      NOWHERE,
      `${how} ${text}${Math.abs(copies) > 1 ? ` ×${Math.abs(copies)}` : ""}`,
    ]);
    return [...changes, ...words];
  }

  function spoken(row) {
    const step = row === 0 ? null : stepOf(row);
    const parts = [row > last ? "" : `step ${row} of ${last}:`, title(row)];
    if (step && step.actor !== null) parts.push(`at ${trace.nodes[step.actor]}`);
    if (step && step.fault) parts.push("(fault)");
    if (isBroken(row)) parts.push(`(violates ${trace.violation.property})`);
    const words = says(row).slice(0, 6).map(([lane, text]) => (lane < 0 ? text : `${trace.nodes[lane]}: ${text}`));
    return parts.join(" ").trim() + (words.length ? `. ${words.join("; ")}` : "");
  }

  // --- the head of the page ----------------------------------------------------------------------

  function showHead() {
    byId("top").querySelector("h1").textContent = trace.title;
    const verdict = byId("verdict");
    const violation = trace.violation;
    if (!violation) {
      verdict.append(make("strong", "", `No violation: ${count(last, "step")}`));
    } else {
      verdict.className = "bad";
      verdict.append(make("span", "mark", "✗ "), make("strong", "value", violation.property));
      if (violation.step !== null) {
        verdict.append(" is violated at ", link(violation.step, `step ${violation.step}`), ` of ${last}`);
      } else if (violation.named !== null) {
        verdict.append(` is violated at step ${violation.named}, which this trace has not got`);
      } else {
        verdict.append(` is violated by the behaviour as a whole, of ${count(last, "step")}`);
      }
      verdict.append(make("div", "why", ...violation.explanation.map((line) => make("div", "", line))));
    }
    if (trace.loop !== null) {
      const stays = trace.loop === last;
      verdict.append(
        make("div", "why", make("span", "mark loop", "↺ "),
          stays ? "stays in " : "then back to ", link(trace.loop, `state ${trace.loop}`), stays ? " forever" : ", and so forever"),
      );
    }
    const facts = byId("origin").querySelector("dl");
    for (const [label, text] of trace.facts) facts.append(make("dt", "", label), make("dd", "", text));
    byId("origin").hidden = trace.facts.length === 0;
    document.title = violation ? `✗ ${violation.property} - ${trace.title}` : trace.title;
  }

  // --- the timeline ------------------------------------------------------------------------------

  const timeline = byId("timeline");
  const rows = byId("rows");
  const longest = Math.max(2, ...trace.nodes.map((name) => name.length));
  const GAP_PX = Math.min(84, Math.max(44, longest * 8 + 14)); // between two lanes
  const GUTTER_PX = trace.loop === null ? 10 : 24; // left of the lanes; a loop is drawn there
  const NUMBER_PX = 42;
  const x = (lane) => GUTTER_PX + (lane + 0.5) * GAP_PX;
  const graphWidth = GUTTER_PX + trace.nodes.length * GAP_PX + 6;

  function showLaneNames() {
    trace.nodes.forEach((name, lane) => {
      const label = make("span", `node${laneClass(lane)}`, name);
      label.title = name;
      label.style.left = `${NUMBER_PX + x(lane) - GAP_PX / 2}px`;
      label.style.width = `${GAP_PX}px`;
      byId("lanes").append(label);
    });
    byId("lanes").hidden = trace.nodes.length === 0;
  }

  // A flight is drawn from the row that sent a message to the row that took it, in pieces: each row
  // draws its own. So rows may have any height, which they do on paper.
  const flights = trace.flights
    .map(([source, dest, sent, taken, how, copied, text]) => ({ source, dest, sent, taken, how, copied, text }))
    .filter((flight) => flight.source >= 0 && flight.dest >= 0)
    .map((flight) => {
      const from = x(flight.source);
      const to = x(flight.dest);
      // A copy begins in the network, a lost message ends there.
      const start = flight.copied ? from + (to - from) * 0.35 : from;
      let end = to;
      if (flight.how === "lost") end = from + (to - from) * 0.65;
      if (flight.taken === null) end = from + (to - from) * 0.3;
      return { ...flight, start, end, until: flight.taken ?? Math.min(flight.sent + 1, last) };
    });

  const LINE_OF = { received: "received by", lost: "lost on the way to", removed: "taken out, for", handled: "read by", flying: "still on its way to" };

  /** What one flight is in one row: a piece of a line, and its end. */
  function drawFlight(svg, flight, row) {
    const rowsLong = flight.until - flight.sent;
    if (rowsLong <= 0) return;
    const isHot = flight.sent === chosen || flight.taken === chosen;
    const tone = `${flight.how}${isHot ? " hot" : ""}`;
    // A line over hundreds of rows hides more than it tells: of such a message there is its begin, one
    // row on its way, and its end, until one of the two steps is chosen.
    let [from, until, begin, end] = [flight.sent, flight.until, flight.start, flight.end];
    const isCut = rowsLong > FLIGHT_ROWS_MAX && !isHot;
    if (isCut) {
      const middle = (begin + end) / 2;
      if (row <= from + 1) [until, end] = [from + 1, middle];
      else if (row >= until - 1) [from, begin] = [until - 1, middle];
      else return;
    }
    const at = (moment) => begin + ((end - begin) * (moment - from)) / (until - from);
    const top = Math.max(row - 0.5, from);
    const bottom = Math.min(row + 0.5, until);
    const way = `${trace.nodes[flight.source]}→${trace.nodes[flight.dest]}`;
    const when = flight.taken === null ? `sent in step ${flight.sent}, still on its way at the end` : `step ${flight.sent} to ${flight.taken}, ${LINE_OF[flight.how]} ${trace.nodes[flight.dest]}`;
    if (flight.start === flight.end) {
      // To itself: beside the lane.
      const bow = flight.start + 12;
      svg.append(draw("line", { class: `flight ${tone}`, x1: bow, x2: bow, y1: `${(top - row + 0.5) * 100}%`, y2: `${(bottom - row + 0.5) * 100}%` }, `${flight.text}\n${when}`));
      return;
    }
    svg.append(
      draw("line", {
        class: `flight ${tone}${flight.copied ? " copied" : ""}${isCut ? " cut" : ""}`,
        x1: at(top), y1: `${(top - row + 0.5) * 100}%`,
        x2: at(bottom), y2: `${(bottom - row + 0.5) * 100}%`,
      }, `${way} ${flight.text}\n${when}`),
    );
    if (row === flight.sent && flight.copied) svg.append(draw("circle", { class: "ring", cx: flight.start, cy: "50%", r: 4 }));
    if (row !== flight.taken) return;
    // The end stands in a drawing of its own whose origin is the middle of the row.
    const tip = draw("svg", { x: flight.end, y: "50%", overflow: "visible" });
    if (flight.how === "lost") {
      tip.append(draw("path", { class: "cross lost", d: "M-5 -5L5 5M-5 5L5 -5" }));
    } else {
      const angle = (Math.atan2(ROW_PX, (end - begin) / (until - from)) * 180) / Math.PI;
      tip.append(draw("path", { class: `tip ${tone}`, d: "M-6 0l-9 -4v8z", transform: `rotate(${angle})` }));
    }
    svg.append(tip);
  }

  /** The lanes, the arrows and the loop in one row. */
  function drawRow(row, passing) {
    const svg = draw("svg", { "aria-hidden": "true" });
    const step = row === 0 ? null : stepOf(row);
    trace.nodes.forEach((_, lane) => {
      const y1 = row === 0 ? "50%" : "0%";
      const y2 = row === rowCount - 1 ? "50%" : "100%";
      svg.append(draw("line", { class: "life", x1: x(lane), x2: x(lane), y1, y2 }));
    });
    for (const flight of passing) if (flight.sent <= row && row <= flight.until) drawFlight(svg, flight, row);
    if (step) {
      const touched = new Set(step.cells.map(([cell]) => laneOf(cell)).filter((lane) => lane >= 0 && lane !== step.actor));
      for (const lane of touched) svg.append(draw("circle", { class: `dot touched${laneClass(lane)}`, cx: x(lane), cy: "50%", r: 4 }));
      if (step.actor !== null && step.fault) {
        const mark = draw("svg", { x: x(step.actor), y: "50%", overflow: "visible" });
        mark.append(draw("path", { class: "diamond", d: "M0 -7L7 0L0 7L-7 0z" }));
        svg.append(mark);
      } else if (step.actor !== null) {
        svg.append(draw("circle", { class: `dot${laneClass(step.actor)}`, cx: x(step.actor), cy: "50%", r: 5.5 }));
      }
    }
    if (trace.loop !== null && row >= trace.loop) {
      const isFirst = row === trace.loop;
      const isLast = row === rowCount - 1;
      svg.append(draw("line", { class: "loop-line", x1: 6, x2: 6, y1: isFirst ? "50%" : "0%", y2: isLast ? "50%" : "100%" }));
      if (isFirst || isLast) svg.append(draw("line", { class: "loop-line", x1: 6, x2: 16, y1: "50%", y2: "50%" }));
      if (isFirst) {
        const tip = draw("svg", { x: 20, y: "50%", overflow: "visible" });
        tip.append(draw("path", { class: "loop-line", d: "M-6 -4L0 0L-6 4" }));
        svg.append(tip);
      }
    }
    // As high as the row, whatever that is: a drawing on its own would have a height of its own.
    const graph = make("span", "graph");
    graph.style.width = `${graphWidth}px`;
    graph.append(svg);
    return graph;
  }

  function makeRow(row, passing) {
    const step = row === 0 ? null : stepOf(row);
    const what = make("span", "what");
    if (isBroken(row)) what.append(make("span", "mark bad", "✗ "));
    if (step && step.fault) what.append(make("span", "mark fault", "⚡ "));
    if (row > last || isLoopStart(row)) what.append(make("span", "mark loop", "↺ "));
    what.append(make("b", "", title(row)));
    if (step && step.actor !== null) what.append(" ", nodeName(step.actor));
    if (step) for (const [name, text] of step.arguments) what.append(make("span", "says", ` ${name}=${text}`));
    for (const [lane, text] of says(row)) {
      // The node that acts is named once, before its changes.
      const isOther = lane >= 0 && step.actor !== lane;
      what.append(make("span", "says", "  ·  ", isOther ? nodeName(lane) : null, isOther ? " " : null, text));
    }
    const element = make("div", "", make("span", "number", row > last ? "" : String(row)), drawRow(row, passing), what);
    element.id = `row-${row}`;
    element.setAttribute("role", "option");
    element.setAttribute("aria-selected", String(row === chosen));
    element.setAttribute("aria-setsize", String(rowCount));
    element.setAttribute("aria-posinset", String(row + 1));
    element.setAttribute("aria-label", spoken(row));
    element.dataset.row = String(row);
    element.classList.toggle("fault", Boolean(step && step.fault));
    element.classList.toggle("bad", isBroken(row));
    element.classList.toggle("hit", isMatch.has(row));
    element.style.top = `${row * ROW_PX}px`;
    return element;
  }

  /** Make the rows that are in view, and some more on either side. */
  function showRows() {
    const lanesPx = byId("lanes").offsetHeight;
    let from = Math.floor(timeline.scrollTop / ROW_PX) - SPARE_ROWS;
    let to = Math.ceil((timeline.scrollTop + timeline.clientHeight - lanesPx) / ROW_PX) + SPARE_ROWS;
    if (isPrinting) [from, to] = [0, rowCount - 1];
    from = Math.max(0, from);
    to = Math.min(rowCount - 1, to);
    const passing = flights.filter((flight) => flight.sent <= to && flight.until >= from);
    const made = [];
    for (let row = from; row <= to; row += 1) made.push(makeRow(row, passing));
    rows.replaceChildren(...made);
    rows.setAttribute("aria-activedescendant", chosen >= from && chosen <= to ? `row-${chosen}` : "");
    shown = [from, to];
  }
  let shown = [0, -1];
  let isWaiting = false;

  timeline.addEventListener("scroll", () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(() => {
      isWaiting = false;
      const first = Math.floor(timeline.scrollTop / ROW_PX);
      const end = Math.ceil((timeline.scrollTop + timeline.clientHeight) / ROW_PX);
      const [from, to] = shown;
      if ((first < from + 3 && from > 0) || (end > to - 3 && to < rowCount - 1)) showRows();
    });
  });
  addEventListener("resize", showRows);

  rows.addEventListener("click", (event) => {
    const row = event.target.closest("[data-row]");
    if (!row) return;
    const number = Number(row.dataset.row);
    choose(number > last ? trace.loop : number);
  });

  /** Scroll so that the chosen row is in view, not under the names of the lanes. */
  function reveal() {
    const top = chosen * ROW_PX;
    const room = timeline.clientHeight - byId("lanes").offsetHeight;
    if (top < timeline.scrollTop + ROW_PX) timeline.scrollTop = Math.max(0, top - ROW_PX * 2);
    else if (top + ROW_PX * 2 > timeline.scrollTop + room) timeline.scrollTop = top + ROW_PX * 3 - room;
  }

  // --- the state ---------------------------------------------------------------------------------

  const show = (text) => (text === null || text === undefined ? "–" : text);

  /** A cell of the state after `step`: its value, and if the step changed it, what it was or which part of it. */
  function cell(index, state, before, step) {
    const lane = laneOf(index);
    const isActor = step !== null && step.actor !== null && step.actor === lane;
    const element = make("td", isActor ? `actor${laneClass(lane)}` : "");
    const change = step === null ? undefined : step.cells.find(([cell]) => cell === index);
    const now = show(state.cells[index]);
    if (!change) {
      element.append(make("span", "value", now));
      return element;
    }
    element.classList.add("changed");
    const [, , parts, isWhole] = change;
    if (isWhole) element.append(make("del", "value", show(before.cells[index])), make("ins", "value", now));
    else element.append(make("span", "value", now), ...parts.map((part) => make("ins", "value part", part.slice(nameOf(index).length).trim())));
    return element;
  }

  function messageLine(how, text, copies, number) {
    const line = make("li", "", make("span", `how ${how}`, how), make("span", "value", text));
    if (Math.abs(copies) > 1) line.append(` ×${Math.abs(copies)}`);
    const isStart = how === "sent" || how === "copied";
    const ends = trace.flights.filter((flight) => flight[6] === text && (isStart ? flight[2] : flight[3]) === number);
    const others = [...new Set(ends.map((flight) => (isStart ? flight[3] : flight[2])).filter((other) => other !== null))];
    if (others.length) {
      line.append(" ", make("span", "quiet", isStart ? "→ " : "← "));
      others.forEach((other, index) => line.append(index ? ", " : "", link(other, other === 0 ? "initial state" : `step ${other}`)));
    } else if (ends.length && isStart) {
      line.append(" ", make("span", "quiet", "still on its way at the end"));
    }
    return line;
  }

  function showState() {
    const panel = byId("state");
    const step = chosen === 0 ? null : steps[chosen - 1];
    const state = stateAt(chosen);
    const before = chosen === 0 ? null : stateAt(chosen - 1);
    const parts = [];
    const heading = make("h2", "", chosen === 0 ? "Initial state" : `Step ${chosen}: ${title(chosen)}`);
    if (step && step.actor !== null) heading.append(" ", nodeName(step.actor));
    parts.push(heading);
    const badges = make("p", "");
    if (isBroken(chosen)) badges.append(make("span", "badge bad", `✗ ${trace.violation.property}`));
    if (step && step.fault) badges.append(make("span", "badge fault", "⚡ fault"));
    if (isLoopStart(chosen)) badges.append(make("span", "badge loop", "↺ the loop begins here"));
    if (trace.loop !== null && chosen === last) {
      badges.append(make("span", "badge loop", trace.loop === last ? "↺ stays here forever" : `↺ goes back to state ${trace.loop}`));
    }
    if (badges.childNodes.length) parts.push(badges);
    if (step && step.arguments.length) {
      const list = make("dl", "arguments");
      for (const [name, text] of step.arguments) list.append(make("dt", "", name), make("dd", "value", text));
      parts.push(list);
    }
    if (isBroken(chosen) && trace.violation.differences.length) {
      const lines = trace.violation.differences.map(([part, expected, found]) =>
        make("tr", "", rowHead(part), make("td", "value", show(expected)), make("td", "value", show(found))));
      parts.push(make("h3", "", "Expected against found"), tableOf("wrong", ["", "spec has", "system has"], lines));
    }
    if (step && step.messages.length) {
      const lines = step.messages.map(([how, , text, copies]) => messageLine(how, text, copies, chosen));
      parts.push(make("h3", "", "Messages of this step"), make("ul", "", ...lines));
    }
    if (trace.nodes.length && trace.perNode.length) {
      const lines = trace.perNode.map((name, line) =>
        make("tr", "", rowHead(name), ...trace.nodes.map((_, lane) => cell(line * trace.nodes.length + lane, state, before, step))));
      const table = tableOf("", ["", ...trace.nodes], lines);
      table.querySelectorAll("thead th").forEach((th, index) => {
        if (index) th.className = `node${laneClass(index - 1)}${step && step.actor === index - 1 ? " actor" : ""}`;
      });
      parts.push(make("h3", "", "Nodes"), table);
    }
    if (trace.shared.length) {
      const lines = trace.shared.map((name, line) => make("tr", "", rowHead(name), cell(perNodeCells + line, state, before, step)));
      parts.push(make("h3", "", trace.nodes.length ? "Shared" : "State"), tableOf("", null, lines));
    }
    trace.networks.forEach((name, network) => {
      const now = state.messages[network];
      const was = before ? before.messages[network] : now;
      const texts = [...new Set([...now.keys(), ...was.keys()])].sort();
      const lines = texts.map((text) => {
        const [copies, old] = [now.get(text) ?? 0, was.get(text) ?? 0];
        const line = make("li", copies === 0 ? "gone" : copies > old ? "new" : "", make("span", "value", text));
        if (copies > 1) line.append(` ×${copies}`);
        if (copies && copies < old) line.append(make("span", "quiet", ` (was ×${old})`));
        return line;
      });
      if (!lines.length) lines.push(make("li", "quiet", "(none)"));
      parts.push(make("h3", "variable", name), make("ul", "", ...lines));
    });
    panel.replaceChildren(...parts);
    panel.scrollTop = 0;
  }

  /** A table with its rows; `names` are the heads of its columns, if it has any. */
  function tableOf(className, names, lines) {
    const table = make("table", className);
    if (names) table.append(headRow(names));
    table.append(make("tbody", "", ...lines));
    return make("div", "scroll", table);
  }

  function headRow(names) {
    const row = make("tr", "");
    for (const name of names) {
      const th = make("th", "", name);
      th.scope = "col";
      row.append(th);
    }
    return make("thead", "", row);
  }

  function rowHead(name) {
    const th = make("th", "value", name);
    th.scope = "row";
    return th;
  }

  // --- choosing a step ---------------------------------------------------------------------------

  let saying = 0;

  /** Show a step; numbers out of range become the nearest one. */
  function choose(number, { isFromAddress = false } = {}) {
    chosen = Math.min(last, Math.max(0, number));
    byId("slider").value = String(chosen);
    byId("slider").setAttribute("aria-valuetext", spoken(chosen));
    byId("position").textContent = `step ${chosen} of ${last}`;
    for (const id of ["first", "previous"]) byId(id).disabled = chosen === 0;
    for (const id of ["next", "last"]) byId(id).disabled = chosen === last;
    if (!isFromAddress) history.replaceState(null, "", `#step=${chosen}`);
    reveal();
    showRows();
    showState();
    showFound();
    // Said when it stays for a moment, so that going through many steps is quiet.
    clearTimeout(saying);
    saying = setTimeout(() => { byId("said").textContent = spoken(chosen); }, 200);
  }

  /** The step that the address names; without one, where the property breaks, else the begin. */
  function fromAddress() {
    const match = /^#step=(\d{1,9})$/.exec(location.hash);
    if (match) return Number(match[1]);
    return trace.violation && trace.violation.step !== null ? trace.violation.step : 0;
  }

  // --- search ------------------------------------------------------------------------------------

  const texts = [];

  /** What can be searched for in a step, in small letters. */
  function textsOf(number) {
    if (!texts[number]) {
      const step = number === 0 ? null : steps[number - 1];
      const lanes = step ? [...step.cells.map(([cell]) => laneOf(cell)), step.actor ?? NOWHERE].filter((lane) => lane >= 0) : [];
      const initial = [...trace.cells.filter((text) => text !== null), ...trace.messages.flat().map(([text]) => text)];
      const value = step
        ? [...step.arguments.map(([name, text]) => `${name}=${text}`), ...says(number).map(([, text]) => text)]
        : initial;
      const action = title(number).toLowerCase();
      const node = [...new Set(lanes)].map((lane) => trace.nodes[lane]).join(" ").toLowerCase();
      const all = value.join(" \n ").toLowerCase();
      texts[number] = { action, node, value: all, any: [action, node, all].join(" \n ") };
    }
    return texts[number];
  }

  /** The words of a query: where each is looked for, and the word itself. */
  function termsOf(query) {
    return query.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
      const match = /^(action|node|value):(.+)$/.exec(word);
      return match ? [match[1], match[2]] : ["any", word];
    });
  }

  function search() {
    const terms = termsOf(byId("query").value);
    matches = [];
    if (terms.length) {
      for (let number = 0; number <= last; number += 1) {
        const found = textsOf(number);
        if (terms.every(([where, word]) => found[where].includes(word))) matches.push(number);
      }
    }
    isMatch = new Set(matches);
    showOverview();
    showRows();
    showFound();
  }

  function showFound() {
    const isAsked = byId("query").value.trim() !== "";
    const place = matches.indexOf(chosen);
    const all = matches.length === 1 ? "1 match" : `${matches.length} matches`;
    const words = place >= 0 ? `${place + 1} of ${matches.length}` : all;
    byId("found").textContent = isAsked ? words : "";
    byId("found-next").disabled = byId("found-previous").disabled = matches.length === 0;
  }

  /** Go to the next of some steps in a direction, round the ends. */
  function chooseAmong(numbers, direction) {
    if (!numbers.length) return;
    const beyond = direction > 0
      ? numbers.find((number) => number > chosen) ?? numbers[0]
      : [...numbers].reverse().find((number) => number < chosen) ?? numbers[numbers.length - 1];
    choose(beyond);
  }

  const faults = steps.flatMap((step, index) => (step.fault ? [index + 1] : []));

  /** Where faults, matches, the loop and the violation lie, below the slider. */
  function showOverview() {
    const overview = byId("overview");
    overview.setAttribute("viewBox", `0 0 ${Math.max(1, last)} 6`);
    const ticks = (numbers) => numbers.map((number) => `M${number} 0V6`).join("");
    const made = [];
    if (trace.loop !== null) made.push(draw("path", { class: "loop", d: `M${trace.loop} 5H${last}M${trace.loop} 0V6` }));
    made.push(draw("path", { class: "fault", d: ticks(faults) }), draw("path", { class: "hit", d: ticks(matches) }));
    if (trace.violation && trace.violation.step !== null) made.push(draw("path", { class: "bad", d: ticks([trace.violation.step]) }));
    overview.replaceChildren(...made);
  }

  // --- dark and light ----------------------------------------------------------------------------

  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function showTheme() {
    byId("theme").setAttribute("aria-pressed", String(isDark()));
  }

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    showTheme();
    // Some browsers keep nothing for a page from a file; then it lasts as long as the page.
    try { localStorage.setItem("tlacheck-theme", root.dataset.theme); } catch { /* as said */ }
  }

  try {
    const remembered = localStorage.getItem("tlacheck-theme");
    if (remembered === "dark" || remembered === "light") root.dataset.theme = remembered;
  } catch { /* as above */ }
  prefersDark.addEventListener("change", showTheme);

  // --- keys and buttons --------------------------------------------------------------------------

  const KEYS = {
    ArrowRight: () => choose(chosen + 1), ArrowDown: () => choose(chosen + 1), j: () => choose(chosen + 1),
    ArrowLeft: () => choose(chosen - 1), ArrowUp: () => choose(chosen - 1), k: () => choose(chosen - 1),
    PageDown: () => choose(chosen + 10), PageUp: () => choose(chosen - 10),
    Home: () => choose(0), End: () => choose(last),
    v: () => { if (trace.violation && trace.violation.step !== null) choose(trace.violation.step); },
    f: () => chooseAmong(faults, 1), F: () => chooseAmong(faults, -1),
    n: () => chooseAmong(matches, 1), N: () => chooseAmong(matches, -1),
    t: toggleTheme,
    "/": () => { byId("query").focus(); byId("query").select(); },
    "?": () => byId("help").showModal(),
  };

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || byId("help").open) return;
    const target = event.target;
    if (target === byId("query")) {
      if (event.key === "Escape") { byId("query").value = ""; search(); rows.focus({ preventScroll: true }); }
      return;
    }
    // The slider has its own arrows, Home and End; a state longer than its panel is scrolled by keys.
    const isMove = event.key.startsWith("Arrow") || event.key.startsWith("Page") || event.key === "Home" || event.key === "End";
    if (isMove && target === byId("slider")) return;
    if (isMove && target === byId("state") && !event.key.endsWith("Left") && !event.key.endsWith("Right")) return;
    const act = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : null;
    if (!act) return;
    event.preventDefault();
    act();
  });

  const on = (id, act) => byId(id).addEventListener("click", act);
  on("first", KEYS.Home);
  on("last", KEYS.End);
  on("previous", KEYS.k);
  on("next", KEYS.j);
  on("found-next", KEYS.n);
  on("found-previous", KEYS.N);
  on("theme", toggleTheme);
  on("keys", KEYS["?"]);
  byId("slider").addEventListener("input", () => choose(Number(byId("slider").value)));
  byId("query").addEventListener("input", search);
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); KEYS.n(); });
  byId("query").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.shiftKey) { event.preventDefault(); KEYS.N(); }
  });
  addEventListener("hashchange", () => choose(fromAddress(), { isFromAddress: true }));

  // --- on paper ----------------------------------------------------------------------------------

  function print(isStarting) {
    isPrinting = isStarting;
    byId("origin").open = isStarting || byId("origin").open;
    showRows();
  }
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  matchMedia("print").addEventListener("change", (event) => print(event.matches));

  // --- begin -------------------------------------------------------------------------------------

  showHead();
  showLaneNames();
  byId("slider").max = String(last);
  rows.style.height = `${rowCount * ROW_PX}px`;
  rows.style.minWidth = `${NUMBER_PX + graphWidth + 220}px`;
  byId("lanes").style.minWidth = rows.style.minWidth;
  showTheme();
  showOverview();
  choose(fromAddress(), { isFromAddress: true });
})();
