/* Run this page: its cells become editors whose code runs on Binder, or on a Jupyter server of the
   reader's own. Until the button is pressed nothing is loaded and nobody is asked. */
document.addEventListener("DOMContentLoaded", () => {
  const bar = document.querySelector(".bbb-live");
  if (!bar) return;
  const controls = bar.querySelector(".bbb-live-controls");
  const status = bar.querySelector(".bbb-live-status");
  const detail = bar.querySelector(".bbb-live-detail");
  const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];
  const PATIENCE = { server: 30 * 60_000, kernel: 120_000 };
  const PHASES = {
    waiting: "waiting for a free computer",
    fetching: "fetching the book",
    building: "installing the book, which takes several minutes after each of its changes",
    pushing: "storing what was installed",
    built: "found the book installed",
    launching: "starting a computer",
  };
  const page = { cells: [], queue: Promise.resolve(), turn: 0 };
  expectKernel();

  // ---- What the reader sees of the state.

  function say(state, text, more = "") {
    bar.dataset.state = state;
    if (status.textContent !== text) status.textContent = text;
    detail.textContent = more;
  }

  function button(label, name, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = "bbb-live-button";
    made.textContent = label;
    made.setAttribute("aria-label", name);
    made.addEventListener("click", act);
    return made;
  }

  function offer(...nodes) {
    const focused = controls.contains(document.activeElement);
    controls.replaceChildren(...nodes);
    if (focused) nodes[0].focus({ preventScroll: true });
  }

  function offerRunning() {
    offer(
      button("Run all", "Run all cells of this page", () => run(page.cells)),
      button("Stop", "Stop what is running", stop),
      button("Restart", "Restart Python and forget all results", restart),
    );
  }

  function fail(fault) {
    giveUp();
    const link = document.createElement("a");
    link.className = "bbb-live-button";
    link.href = bar.dataset.binder;
    link.textContent = "Open this page on Binder";
    offer(button("Try again", "Try again", start), link);
    say("failed", fault.message, fault.cause ?? "");
  }

  function mark(cell, state, text = "") {
    cell.box.dataset.state = state;
    cell.note.textContent = text;
  }

  function settle() {
    const running = page.cells.find((cell) => cell.box.dataset.state === "running");
    if (bar.dataset.state === "failed") return;
    if (running) say("busy", `Running cell ${running.number} of ${page.cells.length}.`);
    else say("ready", "Ready. Edit a cell and press Shift + Enter.");
  }

  // ---- Where the code runs.

  // #live=http://localhost:8888&token=... names a server of the reader's own. It stands behind the
  // hash because browsers keep that part of an address to themselves.
  function ownServer() {
    const asked = new URLSearchParams(location.hash.slice(1));
    if (!asked.has("live")) return null;
    const url = URL.canParse(asked.get("live")) ? new URL(asked.get("live")) : null;
    if (!/^https?:$/.test(url?.protocol) || !LOOPBACK.includes(url.hostname))
      throw new Error("The address may name a server of this computer only, at localhost.");
    const baseUrl = `${url.origin}${url.pathname.replace(/\/*$/, "/")}`;
    return { baseUrl, token: asked.get("token") ?? "", appendToken: true };
  }

  function load(source) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = source;
      script.onload = resolve;
      script.onerror = () =>
        reject(new Error("The editor could not be loaded from this site.", { cause: source }));
      document.head.append(script);
    });
  }

  async function prepare() {
    page.own = ownServer();
    const style = document.createElement("link");
    Object.assign(style, { rel: "stylesheet", href: `${bar.dataset.thebe}thebe.css` });
    document.head.append(style);
    await load(`${bar.dataset.thebe}index.js`);
    const core = window.thebeCore.api;
    const visit = Math.random().toString(36).slice(2);
    const options = {
      mathjaxUrl: "",
      mathjaxConfig: "",
      binderOptions: {
        repo: bar.dataset.repository,
        ref: bar.dataset.branch,
        binderUrl: new URL(bar.dataset.binder).origin,
      },
      ...(page.own && { serverSettings: page.own }),
      // One kernel for each visit: servers give two pages of one name the same kernel.
      kernelOptions: { kernelName: "python3", path: `live-${visit}.ipynb` },
      codeMirrorConfig: { theme: "bbb", lineNumbers: false, lineWrapping: true, indentUnit: 4 },
    };
    page.events = core.makeEvents();
    page.config = core.makeConfiguration(options, page.events);
    page.rendermime = core.makeRenderMimeRegistry(page.config.mathjax);
    openCells(core, options);
  }

  function explain(message) {
    if (page.own)
      return `No Jupyter server answers at ${page.own.baseUrl}, or it does not admit this page.`;
    if (/failed to build/i.test(message)) return "Binder could not install the book.";
    return "Binder does not answer. It may be busy, or there may be no network.";
  }

  function follow(message) {
    const [, phase, line] = /^Binder is: (\w+) - ([^]*)/.exec(message) ?? [];
    const who = page.own ? "Your Jupyter server" : "Binder";
    const doing = PHASES[phase] ?? (page.own ? "asking for a kernel" : "asking for a computer");
    const last = (line ?? "").trim().split("\n").pop();
    say("starting", `${who}: ${doing}.`, last.slice(0, 160));
  }

  function connect() {
    const server = window.thebeCore.api.makeServer(page.config);
    const stops = [];
    const answered = new Promise((resolve, reject) => {
      const refuse = (cause) => reject(new Error(explain(String(cause)), { cause: String(cause) }));
      const heard = (kind, act) =>
        stops.push(
          page.events.on(kind, (_, { subject, message }) => subject === "server" && act(message)),
        );
      heard("error", refuse);
      heard("status", follow);
      server.ready.then(resolve, refuse);
      const late = setTimeout(refuse, PATIENCE.server, "No answer for half an hour.");
      stops.push(() => clearTimeout(late));
      if (page.own) server.connectToJupyterServer();
      else server.connectToServerViaBinder();
    });
    return answered.finally(() => stops.forEach((end) => end()));
  }

  async function greet(server) {
    say("starting", "Starting Python.");
    const session = await server.startNewSession(page.rendermime);
    // The standard widgets are part of the scripts; thebe would ask a host elsewhere for a loader.
    const ready = Promise.resolve({ require: onlyStandard });
    session.manager._loader = { requested: true, ready };
    const late = new Promise((_, reject) =>
      setTimeout(reject, PATIENCE.kernel, new Error("Python did not start within two minutes.")),
    );
    await Promise.race([session.kernel.info, late]);
    return session;
  }

  const onlyStandard = {
    defined(name) {
      throw new Error(`${name}: only the standard widgets work in the page; open it on Binder.`);
    },
  };

  function watch(session) {
    page.notebook.attachSession(session);
    const lost = (text) => page.session === session && fail(new Error(text));
    session.kernel.statusChanged.connect((_, state) => {
      if (state === "autorestarting") lost("Python stopped, perhaps for lack of memory.");
      if (state === "dead") lost("Python stopped and cannot be started again.");
    });
    session.kernel.connectionStatusChanged.connect((_, state) => {
      if (state === "disconnected") lost("The connection to the computer was lost.");
    });
  }

  // Cells that wait for the first kernel wait on after a failure, and run when it comes.
  function expectKernel() {
    page.kernel = new Promise((resolve) => {
      page.connected = resolve;
    });
  }

  function giveUp() {
    if (!page.session) return;
    const session = page.session;
    page.session = null;
    page.turn += 1;
    expectKernel();
    session.dispose();
  }

  async function start() {
    offerRunning();
    say("starting", "Loading the editor.");
    try {
      if (!page.notebook) await prepare();
      page.session = await greet(await connect());
      watch(page.session);
      page.connected(page.session);
      settle();
    } catch (fault) {
      fail(fault);
    }
  }

  // ---- Cells.

  function openCells(core, options) {
    const nodes = [...document.querySelectorAll(".bd-article div.cell:has(.cell_input pre)")];
    const items = nodes.map((node, index) => {
      const input = node.querySelector(".cell_input .highlight");
      const source = input.querySelector("pre").textContent.trimEnd();
      const placeholders = { source: input, output: place(node) };
      return { id: `live-${index + 1}`, source, placeholders };
    });
    page.notebook = core.setupNotebookFromBlocks(items, page.config, page.rendermime);
    window.thebe.renderAllCells(options, page.notebook, items);
    page.cells = items.map((item, index) => openCell(item, nodes[index], index + 1));
    document.documentElement.classList.add("bbb-live-on");
  }

  // The output of a kernel stands where the built one stood: above the caption of a figure.
  function place(node) {
    let host = node.querySelector(".cell_output");
    if (!host) {
      host = document.createElement("div");
      host.className = "cell_output docutils container";
      node.append(host);
    }
    const output = document.createElement("div");
    output.className = "output text_html bbb-live-output";
    output.hidden = true;
    (host.querySelector("figure") ?? host).prepend(output);
    return output;
  }

  function openCell(item, node, number) {
    const cell = {
      number,
      original: item.source,
      live: page.notebook.getCellById(item.id),
      box: node.querySelector(".thebe-cell"),
      output: item.placeholders.output,
      built: node.querySelectorAll(".cell_output .output:not(.bbb-live-output)"),
      note: document.createElement("span"),
    };
    cell.note.className = "bbb-live-note";
    const above = () => page.cells.slice(0, number);
    const runs = button("Run", `Run cell ${number}`, () => run([cell]));
    const runsAbove = button("Run all above", `Run all above, then cell ${number}`, () =>
      run(above()),
    );
    const restores = button("Restore", `Restore the text of cell ${number}`, () =>
      cell.editor.setValue(cell.original),
    );
    const tools = document.createElement("div");
    tools.className = "bbb-live-tools";
    tools.append(runs, runsAbove, restores, cell.note);
    cell.box.append(tools);

    cell.editor = cell.box.querySelector(".CodeMirror").CodeMirror;
    const label = `Code of cell ${number}. Shift Enter runs it, Escape leaves it.`;
    cell.editor.setOption("screenReaderLabel", label);
    cell.editor.setOption("extraKeys", {
      ...cell.editor.getOption("extraKeys"),
      "Shift-Enter": () => run([cell]),
      "Ctrl-Enter": () => run([cell]),
      Tab: (editor) =>
        editor.execCommand(editor.somethingSelected() ? "indentMore" : "insertSoftTab"),
      "Shift-Tab": "indentLess",
      Esc: () => runs.focus(),
    });
    const compare = () => {
      restores.hidden = cell.editor.getValue() === cell.original;
    };
    cell.editor.on("change", compare);
    compare();
    mark(cell, "");
    return cell;
  }

  // ---- Running: one cell after the other, until one fails or the reader stops.

  function run(cells) {
    const turn = page.turn;
    const before = page.queue;
    for (const cell of cells) mark(cell, "waiting", "waits");
    page.queue = (async () => {
      await before;
      await page.kernel;
      for (const cell of cells) {
        if (turn === page.turn) await execute(cell);
        else if (cell.box.dataset.state === "waiting") mark(cell, "");
      }
      settle();
    })();
  }

  async function execute(cell) {
    const turn = page.turn;
    mark(cell, "running", "runs");
    settle();
    // The page must not jump while an output gives way to the next one.
    const host = cell.output.parentElement;
    host.style.minHeight = `${host.offsetHeight}px`;
    for (const built of cell.built) built.remove();
    cell.output.hidden = false;
    const reply = await cell.live.execute(cell.editor.getValue());
    host.style.minHeight = "";
    nameSliders(cell);
    if (turn !== page.turn || !reply) return mark(cell, "", "stopped");
    if (!reply.error) return mark(cell, "done", "done");
    page.turn += 1;
    const unknown = reply.error.some((error) => error.ename === "NameError");
    mark(cell, "error", unknown ? "a name is missing: run all above" : "error");
  }

  // The handles of sliders have no name of their own; it stands beside them.
  function nameSliders(cell) {
    for (const handle of cell.output.querySelectorAll("[role=slider]")) {
      const label = handle.closest(".jupyter-widgets").querySelector(".widget-label");
      handle.setAttribute("aria-label", label?.textContent ?? "value");
    }
  }

  async function stop() {
    page.turn += 1;
    await page.session?.kernel.interrupt();
  }

  async function restart() {
    if (!page.session) return;
    page.turn += 1;
    say("starting", "Starting Python again.");
    await page.session.restart();
    for (const cell of page.cells) mark(cell, "");
    settle();
  }

  // Give the kernel back: the computer is shared with other readers, and other pages of this one.
  addEventListener("pagehide", ({ persisted }) => {
    if (persisted || !page.session) return;
    const { baseUrl, token } = page.session.server.settings;
    const headers = { Authorization: `token ${token}` };
    const address = `${baseUrl}api/sessions/${page.session.id}`;
    fetch(address, { method: "DELETE", keepalive: true, headers });
  });

  offer(button("Run this page", "Run this page", start));
  const host = new URL(bar.dataset.binder).host;
  say(
    "off",
    location.hash.includes("live=")
      ? "Edit its code and run it on your own Jupyter server."
      : `Edit its code and run it on a computer that ${host} lends you, once you press.`,
  );
  bar.hidden = false;
});
