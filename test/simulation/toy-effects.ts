import type { StepPresence } from "@davit/agents/operation.ts";
import { type CommandId, instantOf } from "@davit/protocol";
import { archiveOf, isTorn, type Place, summaryOf } from "./place.ts";

export interface Deed {
	readonly place: Place;
	readonly command: CommandId;
	/** What becomes the content, or how many archives stay. */
	readonly wanted: string;
	readonly nowMs: number;
}

/** One effect on a place. A crash may come between its halves. */
export interface Effect {
	readonly name: string;
	readonly commits?: true;
	readonly halves: readonly ((deed: Deed) => void)[];
	readonly probe: (deed: Deed) => StepPresence;
	readonly undo: (deed: Deed) => void;
}

const stop: Effect = {
	name: "stop",
	halves: [({ place, command }) => place.stopped.add(command)],
	probe: ({ place, command }) => (place.stopped.has(command) ? "complete" : "absent"),
	undo: ({ place, command }) => place.stopped.delete(command),
};

const start: Effect = {
	name: "start",
	halves: [({ place, command }) => place.stopped.delete(command)],
	probe: ({ place, command }) => (place.stopped.has(command) ? "absent" : "complete"),
	// What stopped them starts them again.
	undo: () => undefined,
};

const stage: Effect = {
	name: "stage",
	halves: [({ place, command }) => place.staged.add(command)],
	probe: ({ place, command }) => (place.staged.has(command) ? "complete" : "absent"),
	undo: ({ place, command }) => place.staged.delete(command),
};

const archive: Effect = {
	name: "archive",
	commits: true,
	halves: [
		({ place, command, nowMs }) => {
			const others = place.archives.filter(({ id }) => id !== archiveOf(command));
			place.archives = [summaryOf(command, instantOf(nowMs)), ...others];
			place.staged.delete(command);
		},
	],
	probe: ({ place, command }) =>
		place.archives.some(({ id }) => id === archiveOf(command)) ? "complete" : "absent",
	undo: () => undefined,
};

const swap: Effect = {
	name: "swap",
	commits: true,
	halves: [
		({ place, command }) => {
			place.aside.set(command, place.content ?? "nothing");
			place.content = undefined;
		},
		({ place, command, wanted }) => {
			place.content = wanted;
			place.staged.delete(command);
		},
	],
	probe: ({ place, command }) => {
		if (!place.aside.has(command)) return "absent";
		return isTorn(place, command) ? "partial" : "complete";
	},
	undo: ({ place, command }) => {
		if (!isTorn(place, command)) return;
		place.content = place.aside.get(command);
		place.aside.delete(command);
	},
};

const clear: Effect = {
	name: "clear",
	halves: [({ place, command }) => place.staged.delete(command)],
	probe: ({ place, command }) => (place.staged.has(command) ? "absent" : "complete"),
	undo: () => undefined,
};

const remove: Effect = {
	name: "remove",
	commits: true,
	halves: [
		({ place, wanted }) => {
			place.archives = place.archives.slice(0, Number(wanted));
		},
	],
	probe: ({ place, wanted }) => (place.archives.length > Number(wanted) ? "absent" : "complete"),
	undo: () => undefined,
};

/** The same shapes as the real operations have. */
export const effectsOf = {
	backup: [stop, stage, start, archive],
	swap: [stage, stop, swap, start],
	prune: [stage, remove, clear],
} as const satisfies Record<string, readonly Effect[]>;
