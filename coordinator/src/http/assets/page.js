// Follows a page: puts what changed in its place, says when nothing is heard any more. The page works without it.

/** The server renders at least so often; two missed beats are silence. */
const beatMs = 15_000;
const silenceMs = 2 * beatMs + 2_000;
const waitsMs = [1_000, 2_000, 5_000, 10_000];
const announceMs = 5_000;

const live = document.body.dataset.live ?? "";

/** @type {EventSource | undefined} */
let source;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let silence;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let retry;
let failures = 0;
let version = new URL(live, location.href).searchParams.get("version") ?? "";
let heardAt = new Date();
let announcedAt = 0;
let announced = document.querySelector("h1")?.textContent ?? "";

function open() {
	close();
	const url = new URL(live, location.href);
	url.searchParams.set("version", version);
	source = new EventSource(url);
	source.addEventListener("fragments", (event) => {
		version = event.lastEventId || version;
		hear();
		for (const { id, html } of JSON.parse(event.data)) replace(id, html);
		hear();
		announce();
	});
	source.addEventListener("reload", () => location.reload());
	source.addEventListener("error", () => {
		close();
		fall("The connection broke");
		retry = setTimeout(open, waitsMs[Math.min(failures, waitsMs.length - 1)]);
		failures += 1;
	});
	silence = setTimeout(() => fall("Nothing was heard"), silenceMs);
}

function close() {
	source?.close();
	source = undefined;
	clearTimeout(silence);
	clearTimeout(retry);
}

function hear() {
	failures = 0;
	heardAt = new Date();
	clearTimeout(silence);
	silence = setTimeout(() => fall("Nothing was heard"), silenceMs);
	setStale(undefined);
}

/** @param {string} what */
function fall(what) {
	// A first broken connection is tried again before anybody is told.
	if (source === undefined && failures === 0) return;
	setStale(
		`${what} since ${heardAt.toLocaleTimeString()}. What you see is from then. Runs go on at their hosts.`,
	);
}

/** @param {string | undefined} reason */
function setStale(reason) {
	const banner = document.getElementById("stale");
	const liveness = document.getElementById("liveness");
	if (liveness) liveness.textContent = reason === undefined ? " · live" : " · not connected";
	document.body.classList.toggle("is-stale", reason !== undefined);
	if (banner && banner.textContent !== (reason ?? "")) {
		banner.textContent = reason ?? "";
		banner.hidden = reason === undefined;
	}
	for (const button of document.querySelectorAll("main button")) {
		if (!(button instanceof HTMLButtonElement)) continue;
		if (reason !== undefined && !button.disabled) {
			button.disabled = true;
			button.dataset.stale = "";
			button.title = "Not connected, so it cannot be asked";
		} else if (reason === undefined && "stale" in button.dataset) {
			button.disabled = false;
			delete button.dataset.stale;
			button.title = "";
		}
	}
}

/** Keeps the focus, what is being typed, and what a person has opened.
 * @param {string} id @param {string} html */
function replace(id, html) {
	const element = document.getElementById(id);
	if (!element) return;
	Idiomorph.morph(element, html, {
		ignoreActiveValue: true,
		callbacks: {
			/** @param {string} name @param {Element} node */
			beforeAttributeUpdated: (name, node) => !(name === "open" && node.localName === "details"),
			/** @param {Node} node */
			beforeNodeMorphed: (node) => !isTypedInto(node),
		},
	});
	if (id !== "as-of") return;
	const { title, icon } = document.getElementById(id)?.dataset ?? {};
	if (title) document.title = title;
	const link = document.querySelector("link[rel=icon]");
	if (icon && link?.getAttribute("href") !== icon) link?.setAttribute("href", icon);
}

/** @param {Node} node */
function isTypedInto(node) {
	return node instanceof HTMLInputElement && node.type !== "hidden" && node.value !== node.defaultValue;
}

/** Says a changed verdict to who listens, at most every 5 s. */
function announce() {
	const verdict = document.querySelector("h1")?.textContent ?? "";
	const now = Date.now();
	if (verdict === announced || now - announcedAt < announceMs) return;
	announced = verdict;
	announcedAt = now;
	const announcer = document.getElementById("announcer");
	if (announcer) announcer.textContent = verdict;
}

// Browsers allow six connections to one server for all tabs: a hidden one gives its own back.
document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));
addEventListener("pagehide", close);
addEventListener("pageshow", (event) => event.persisted && open());
if (!document.hidden) open();
