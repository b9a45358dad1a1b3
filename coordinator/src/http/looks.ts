import { type AddressDocument, isEnded, OperationError, type StatusDocument } from "@davit/protocol";
import type { Desk, SimulationWanted } from "../desk.ts";
import type { Frame, Page } from "./page.ts";
import { archivePage } from "./pages/archive.ts";
import { hostPage, hostsPage } from "./pages/hosts.ts";
import { resourcePath } from "./pages/links.ts";
import { archivesPage, resourcesPage, runsPage } from "./pages/lists.ts";
import { overviewPage } from "./pages/overview.ts";
import { planPage } from "./pages/plan.ts";
import { recoveryPage } from "./pages/recovery.ts";
import { resourcePage } from "./pages/resource.ts";
import { runPage } from "./pages/run.ts";
import { schedulePage, schedulesPage } from "./pages/schedules.ts";
import { simulationPage, type Tried } from "./pages/simulation.ts";
import { readFilter } from "./read-filter.ts";
import { readSimulation } from "./read-simulation.ts";
import { Refusal } from "./refusal.ts";

/** One thing to look at: its document, its page, and when either has changed. */
export interface Look {
	/** @throws OperationError where it does not exist */
	read(): unknown;
	/** @throws OperationError where it does not exist */
	render(frame: Frame): Page;
	/** Where the page is instead, seen from the served root. */
	elsewhere?(): string;
	/** Nothing more will change. */
	isOver(): boolean;
	isTouchedBy(changed: ReadonlySet<string>): boolean;
}

interface Asked {
	readonly desk: Desk;
	readonly query: URLSearchParams;
}

/** What an address looks at. @throws Refusal 404 where it looks at nothing, 400 where its query cannot be read */
export function findLook(desk: Desk, path: readonly string[], query: URLSearchParams): Look {
	const [place = "", first, second, ...rest] = path;
	const asked = { desk, query };
	const found = rest.length > 0 ? undefined : findIn(place, [first, second], asked);
	if (found === undefined) throw new Refusal(404, `there is nothing at /${path.join("/").slice(0, 200)}`);
	return found;
}

function findIn(
	place: string,
	[first, second]: readonly [string | undefined, string | undefined],
	asked: Asked,
): Look | undefined {
	if (first === undefined) return Object.hasOwn(lists, place) ? lists[place]?.(asked) : undefined;
	if (place === "resources") return second === undefined ? undefined : resourceLook(asked, first, second);
	if (second !== undefined) return undefined;
	return Object.hasOwn(singles, place) ? singles[place]?.(asked, first) : undefined;
}

const lists: Readonly<Record<string, (asked: Asked) => Look>> = {
	"": ({ desk }) => look(() => desk.status(), overviewPage),
	hosts: hostsLook,
	resources: ({ desk, query }) => {
		const filter = readFilter(query);
		return look(
			() => desk.resources(filter),
			(document, frame) => resourcesPage({ ...document, fleet: fleetOf(desk.status()) }, frame),
		);
	},
	archives: ({ desk, query }) => {
		const filter = readFilter(query);
		return look(
			() => desk.archives(filter),
			(document, frame) => archivesPage({ ...document, fleet: fleetOf(desk.status()) }, frame),
		);
	},
	runs: ({ desk, query }) => {
		const filter = readFilter(query);
		return look(
			() => desk.runs(filter),
			(document, frame) => runsPage({ ...document, fleet: fleetOf(desk.status()) }, frame),
		);
	},
	schedules: ({ desk }) =>
		look(
			() => desk.schedules(),
			(document, frame) => schedulesPage({ document, hosts: desk.status().hosts }, frame),
		),
	recovery: ({ desk }) => look(() => desk.recovery(), recoveryPage),
	simulations: ({ desk, query }) => {
		const wanted = readSimulation(query);
		return look(() => desk.simulate(wanted), simulationPage);
	},
	resolve: ({ desk, query }) => {
		const read = () => desk.resolve(query.get("address")?.trim() ?? "");
		const render = (): Page => {
			throw new Refusal(404, "an address has no page of its own, it leads to one");
		};
		return { ...look(read, render), elsewhere: () => placeOf(read()) };
	},
};

const singles: Readonly<Record<string, (asked: Asked, name: string) => Look>> = {
	hosts: ({ desk }, name) => look(() => desk.host(name), hostPage),
	archives: ({ desk }, id) => look(() => desk.archive(id), archivePage),
	runs: ({ desk }, id) => ({
		...look(() => desk.run(id), runPage),
		isOver: () => isEnded(desk.run(id).run.state),
		isTouchedBy: (changed) => changed.has(`run:${id}`),
	}),
	schedules: ({ desk, query }, name) => {
		const wanted = readSimulation(query, name);
		return look(
			() => desk.schedule(name),
			(document, frame) => schedulePage({ document, tried: trySimulation(desk, wanted) }, frame),
		);
	},
	plans: ({ desk }, id) =>
		look(
			() => desk.plan(id),
			(document, frame) => planPage(document, frame),
		),
};

/** What it would keep, or why that cannot be said. */
function trySimulation(desk: Desk, wanted: SimulationWanted): Tried {
	try {
		return { wanted, document: desk.simulate(wanted) };
	} catch (error) {
		if (error instanceof OperationError) return { wanted, refusal: error.message };
		throw error;
	}
}

function resourceLook({ desk }: Asked, host: string, resource: string): Look {
	return look(() => desk.resource(host, resource), resourcePage);
}

function hostsLook({ desk, query }: Asked): Look {
	const filter = readFilter(query);
	const invited = query.get("waiting") ?? undefined;
	return look(
		() => desk.hosts(filter),
		(document, frame) => {
			const joined = desk.status().hosts.find(({ host, heardAt }) => host === invited && heardAt !== null);
			return hostsPage({ document, waitingFor: joined ?? invited }, frame);
		},
	);
}

function look<Document>(read: () => Document, page: (document: Document, frame: Frame) => Page): Look {
	return {
		read,
		render: (frame) => page(read(), frame),
		isOver: () => false,
		isTouchedBy: () => true,
	};
}

function fleetOf({ counts, hosts }: StatusDocument) {
	return { counts, hosts: hosts.map(({ host }) => host) };
}

function placeOf({ host, resource, archive, run }: AddressDocument): string {
	if (run !== null) return `runs/${run}`;
	if (archive !== null) return `archives/${archive}`;
	return resource === null ? `hosts/${host}` : resourcePath(host, resource);
}
