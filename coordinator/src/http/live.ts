import { createHash } from "node:crypto";
import type { Logger } from "@davit/protocol";
import type { Desk } from "../desk.ts";
import { readTarget } from "./exchange.ts";
import { htmlText } from "./html.ts";
import { findLook, type Look } from "./looks.ts";
import { tokenPlaceholder } from "./page.ts";
import { asOf } from "./pages/layout.ts";
import { Refusal } from "./refusal.ts";

/** A view is rendered at least so often: times in words move, and whoever listens hears that somebody is there. */
const beatMs = 15_000;
/** And after a change at most so often. */
const pauseMs = 250;
const maximumViewers = 256;

export interface Viewer {
	readonly formToken: string;
	/** What the viewer's page shows already. */
	readonly version: string | undefined;
	readonly signal: AbortSignal;
}

/** The live pages: each address is rendered once per change, however many look at it. */
export interface LiveViews extends Disposable {
	/** Server-sent events with the parts that changed. @throws Refusal for an address that shows nothing */
	follow(view: string, viewer: Viewer): AsyncGenerator<string>;
}

interface View {
	readonly look: Look;
	/** The parts as they are now, by their id. */
	parts: ReadonlyMap<string, string>;
	version: string;
	viewers: number;
	/** Resolved at each rendering. */
	rendered: PromiseWithResolvers<void>;
	timer: NodeJS.Timeout | undefined;
	renderedAtMs: number;
	/** Something changed since. */
	isDue: boolean;
	/** It cannot be shown any more; the page itself will say why. */
	isGone: boolean;
}

interface LiveContext {
	readonly desk: Desk;
	readonly now: () => number;
	readonly log: Logger;
}

export function openLiveViews({ desk, now, log }: LiveContext): LiveViews {
	const views = new Map<string, View>();
	let viewers = 0;

	const render = (address: string, view: View): void => {
		clearTimeout(view.timer);
		try {
			const { parts, version } = renderParts(address, view.look, now());
			Object.assign(view, { parts, version });
		} catch (error) {
			log.warn({ error, address }, "a live page cannot be shown any more");
			view.isGone = true;
		}
		view.renderedAtMs = performance.now();
		view.isDue = false;
		if (!view.isGone) view.timer = setTimeout(render, beatMs, address, view).unref();
		view.rendered.resolve();
		view.rendered = Promise.withResolvers();
	};
	const stop = desk.onChange((changed) => {
		for (const [address, view] of views) {
			if (view.isGone || !view.look.isTouchedBy(changed)) continue;
			const waitMs = Math.max(0, view.renderedAtMs + pauseMs - performance.now());
			clearTimeout(view.timer);
			view.isDue = true;
			view.timer = setTimeout(render, waitMs, address, view);
		}
	});
	const enter = (address: string): View => {
		if (viewers >= maximumViewers) throw new Refusal(503, `${maximumViewers} live pages are open already`);
		let view = views.get(address);
		if (view === undefined) {
			const { path, query } = readTarget(address);
			const look = findLook(desk, path, query);
			// What cannot be shown is refused now, not told to load itself again.
			look.read();
			view = newView(look);
			views.set(address, view);
			render(address, view);
		} else if (view.isDue) {
			// The page that comes is newer than what the others were sent; it must not be put back.
			render(address, view);
		}
		viewers += 1;
		view.viewers += 1;
		return view;
	};
	const leave = (address: string, view: View): void => {
		viewers -= 1;
		view.viewers -= 1;
		if (view.viewers > 0) return;
		clearTimeout(view.timer);
		views.delete(address);
	};

	return {
		async *follow(address, viewer) {
			const view = enter(address);
			try {
				yield* followView(view, viewer);
			} finally {
				leave(address, view);
			}
		},
		[Symbol.dispose]() {
			stop();
			for (const view of views.values()) clearTimeout(view.timer);
		},
	};
}

async function* followView(view: View, { version, formToken, signal }: Viewer): AsyncGenerator<string> {
	let shown: ReadonlyMap<string, string> = version === view.version ? view.parts : new Map();
	yield "retry: 1000\n\n";
	for (let isFirst = true; !signal.aborted; isFirst = false) {
		const { rendered } = view;
		if (view.isGone) {
			yield "event: reload\ndata:\n\n";
			return;
		}
		const changed = [...view.parts]
			.filter(([id, text]) => shown.get(id) !== text || (isFirst && id === "as-of"))
			.map(([id, text]) => ({ id, html: text.replaceAll(tokenPlaceholder, formToken) }));
		shown = view.parts;
		yield `id: ${view.version}\nevent: fragments\ndata: ${JSON.stringify(changed)}\n\n`;
		await untilEither(rendered.promise, signal);
	}
}

/** Leaves no listener behind, however often it waits on one long-lived signal. */
function untilEither(event: Promise<void>, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		const done = () => {
			signal.removeEventListener("abort", done);
			resolve();
		};
		signal.addEventListener("abort", done);
		event.then(done, done);
	});
}

function newView(look: Look): View {
	return {
		look,
		parts: new Map(),
		version: "",
		viewers: 0,
		rendered: Promise.withResolvers(),
		timer: undefined,
		renderedAtMs: 0,
		isDue: false,
		isGone: false,
	};
}

/** The parts of a page by their id, and a name for what they say together, without the time. */
export function renderParts(
	address: string,
	look: Look,
	now: number,
): { parts: ReadonlyMap<string, string>; version: string } {
	const { root, query } = readTarget(address);
	const page = look.render({ root, query, now });
	const parts = new Map(page.sections.map(({ id, html }) => [id, htmlText(html)]));
	const version = createHash("sha256")
		.update([...parts.values()].join("\0"))
		.digest("hex")
		.slice(0, 16);
	return { parts: parts.set("as-of", htmlText(asOf(page))), version };
}
