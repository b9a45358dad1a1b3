import type { Proof, RunState, StateWord } from "@davit/protocol";
import { type Html, html } from "../html.ts";

interface StateMark {
	/** For a tab's title, where no drawing can stand. */
	readonly sign: string;
	/** A path in a box of 16 by 16: shapes differ also without their colour. */
	readonly shape: string;
	readonly meaning: string;
}

/** Each word's shape, and what it means. */
export const stateMarks: Readonly<Record<StateWord, StateMark>> = {
	inconsistent: { sign: "◆", shape: "M8 1l7 7-7 7-7-7z", meaning: "a person must decide" },
	unknown: {
		sign: "?",
		shape: "M4.5 5.5C4.5 1 12 1 12 5.5 12 8 9 8 9 10.5H7C7 7 10 7.3 10 5.5c0-2-3.5-2-3.5 0zM7 12h2v2.5H7z",
		meaning: "the host was not heard, or it speaks of something this Davit does not know",
	},
	failed: {
		sign: "✖",
		shape: "M3.5 2L8 6.5 12.5 2 14 3.5 9.5 8l4.5 4.5-1.5 1.5L8 9.5 3.5 14 2 12.5 6.5 8 2 3.5z",
		meaning: "the newest attempt failed or was undone",
	},
	overdue: {
		sign: "◷",
		shape: "M8 1a7 7 0 100 14A7 7 0 008 1zm0 2a5 5 0 110 10A5 5 0 018 3zM7 4.5h2V8h3v2H7z",
		meaning: "no good archive within its interval and margin",
	},
	partial: {
		sign: "◐",
		shape: "M8 1a7 7 0 100 14A7 7 0 008 1zm0 2a5 5 0 010 10z",
		meaning: "something was left out of the newest archive",
	},
	running: {
		sign: "⟳",
		shape: "M8 2a6 6 0 106 6h-2a4 4 0 11-4-4v2.5L12.5 3 8-.5z",
		meaning: "something is being done with it now",
	},
	unproven: {
		sign: "◔",
		shape: "M8 1a7 7 0 100 14A7 7 0 008 1zm0 2v5h5a5 5 0 11-5-5z",
		meaning: "there is an archive, but nobody has tried it",
	},
	unprotected: {
		sign: "○",
		shape: "M8 1a7 7 0 100 14A7 7 0 008 1zm0 2a5 5 0 110 10A5 5 0 018 3z",
		meaning: "nothing is scheduled for it",
	},
	safe: { sign: "✔", shape: "M13.5 2.5L15 4 6.5 13.5 1 8l1.5-1.5 4 4z", meaning: "backed up in time" },
	ignored: { sign: "–", shape: "M2 7h12v2H2z", meaning: "a person said to leave it out" },
};

/** The word with its shape and colour; every state on every screen is written by this. */
export function stateMark(state: StateWord, word: string = state): Html {
	return html`<span class="state ${state}" title="${stateMarks[state].meaning}">${stateShape(state)} ${word}</span>`;
}

export function stateShape(state: StateWord): Html {
	return html`<svg class="shape" aria-hidden="true" viewBox="0 0 16 16"><use href="#${state}"/></svg>`;
}

/** The shapes, once a page. */
export function shapeSheet(): Html {
	const symbols = Object.entries(stateMarks).map(
		([state, { shape }]) => html`<symbol id="${state}" viewBox="0 0 16 16"><path d="${shape}"/></symbol>`,
	);
	return html`<svg class="sheet" aria-hidden="true" width="0" height="0">${symbols}</svg>`;
}

const runStates: Readonly<Record<RunState, { state: StateWord; word: string }>> = {
	requested: { state: "running", word: "asked for" },
	accepted: { state: "running", word: "accepted" },
	running: { state: "running", word: "running" },
	unknown: { state: "unknown", word: "unknown" },
	succeeded: { state: "safe", word: "done" },
	partial: { state: "partial", word: "partial" },
	failed: { state: "failed", word: "failed" },
	rejected: { state: "failed", word: "refused" },
	cancelled: { state: "ignored", word: "cancelled" },
	expired: { state: "failed", word: "never begun" },
	inconsistent: { state: "inconsistent", word: "inconsistent" },
};

export function runStateMark(state: RunState): Html {
	return stateMark(runStates[state].state, runStates[state].word);
}

export function stateOfRun(state: RunState): StateWord {
	return runStates[state].state;
}

export function wordOfRun(state: RunState): string {
	return runStates[state].word;
}

const verbs: Readonly<Record<string, string>> = {
	backup: "Back up",
	verify: "Verify",
	drill: "Drill",
	restore: "Restore",
	undo: "Undo",
	prune: "Remove old archives",
	keep: "Keep",
	copy: "Copy",
	plan: "Plan",
};

/** `volume.backup` is `Back up`; an operation of a newer Davit is shown as it is called. */
export function sayOperation(operation: string): string {
	return verbs[operation.slice(operation.indexOf(".") + 1)] ?? operation;
}

const proofs = ["taken", "verified", "drilled", "off-site"] as const satisfies readonly Proof[];

/** Four pips, and in words what is proven and what is not. */
export function proofPips(proof: readonly Proof[]): Html {
	const lacking = proofs.filter((step) => !proof.includes(step));
	const pips = proofs.map((step) => (proof.includes(step) ? "●" : "○")).join("");
	const reached = proofs.findLast((step) => proof.includes(step)) ?? "no archive";
	const whole = `${proof.join(", ") || "no archive"}${lacking.length === 0 ? "" : `; not ${lacking.join(", not ")}`}`;
	return html`<span class="proof" title="${whole}"><span aria-hidden="true">${pips}</span> ${reached}</span>`;
}
