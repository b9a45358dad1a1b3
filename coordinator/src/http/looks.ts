import { isEnded } from "@davit/protocol";
import type { Desk } from "../desk.ts";
import { readFilter } from "./read-filter.ts";
import { Refusal } from "./refusal.ts";

/** One thing to look at: its document, and when it has changed for good. */
export interface Look {
	/** @throws OperationError where it does not exist */
	read(): unknown;
	/** Nothing more will change. */
	isOver(): boolean;
	isTouchedBy(changed: ReadonlySet<string>): boolean;
}

interface Asked {
	readonly desk: Desk;
	readonly query: URLSearchParams;
	readonly first: string | undefined;
	readonly second: string | undefined;
}

/** What an address looks at. @throws Refusal 404 where it looks at nothing, 400 where its query cannot be read */
export function findLook(desk: Desk, path: readonly string[], query: URLSearchParams): Look {
	const [place = "", first, second, ...rest] = path;
	const find = Object.hasOwn(places, place) ? places[place] : undefined;
	const found = rest.length === 0 ? find?.({ desk, query, first, second }) : undefined;
	if (found === undefined) throw new Refusal(404, `there is nothing at /${path.join("/").slice(0, 200)}`);
	return found;
}

const places: Readonly<Record<string, (asked: Asked) => Look | undefined>> = {
	"": ({ desk, first }) => (first === undefined ? look(() => desk.status()) : undefined),
	hosts: ({ desk, query, first, second }) => {
		if (second !== undefined) return undefined;
		if (first !== undefined) return look(() => desk.host(first));
		const filter = readFilter(query);
		return look(() => desk.hosts(filter));
	},
	resources: ({ desk, query, first, second }) => {
		if (first !== undefined && second !== undefined) return look(() => desk.resource(first, second));
		if (first !== undefined) return undefined;
		const filter = readFilter(query);
		return look(() => desk.resources(filter));
	},
	archives: ({ desk, query, first, second }) => {
		if (second !== undefined) return undefined;
		if (first !== undefined) return look(() => desk.archive(first));
		const filter = readFilter(query);
		return look(() => desk.archives(filter));
	},
	runs: ({ desk, query, first, second }) => {
		if (second !== undefined) return undefined;
		if (first !== undefined) return lookAtRun(desk, first);
		const filter = readFilter(query);
		return look(() => desk.runs(filter));
	},
	schedules: ({ desk, first, second }) => {
		if (second !== undefined) return undefined;
		return first === undefined ? look(() => desk.schedules()) : look(() => desk.schedule(first));
	},
	plans: ({ desk, first, second }) =>
		first !== undefined && second === undefined ? look(() => desk.plan(first)) : undefined,
	resolve: ({ desk, query, first }) =>
		first === undefined ? look(() => desk.resolve(query.get("address") ?? "")) : undefined,
};

function look(read: () => unknown): Look {
	return { read, isOver: () => false, isTouchedBy: () => true };
}

function lookAtRun(desk: Desk, run: string): Look {
	return {
		read: () => desk.run(run),
		isOver: () => isEnded(desk.run(run).run.state),
		isTouchedBy: (changed) => changed.has(`run:${run}`),
	};
}
