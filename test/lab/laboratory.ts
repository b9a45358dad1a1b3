import { join } from "node:path";
import { type Broker, type BrokerWish, startBroker } from "./broker/start.ts";
import { type LabBrowser, openBrowser } from "./browser/open.ts";
import { type HomeAssistant, type HomeAssistantWish, startHomeAssistant } from "./home-assistant/start.ts";
import type { HomeAssistantVersion } from "./home-assistant/version.ts";
import { type Host, type HostWish, openHost, type SpawnOptions } from "./host/open.ts";
import { type Bridge, openBridge } from "./network/open-bridge.ts";
import { type Beacon, openBeacon } from "./network/reach.ts";
import { type RunningProcess, startProcess } from "./process/start.ts";
import { together } from "./process/together.ts";
import { parts as everyPart, installPackages, type Part } from "./provision/install-packages.ts";
import { provision } from "./provision.ts";
import { claimRun, type RunRecord } from "./record/claim.ts";
import { removeRun } from "./record/remove.ts";
import { sweepLeftovers } from "./record/sweep.ts";
import { type Registry, startRegistry } from "./registry/start.ts";

export type LaboratoryWish = {
	readonly hosts?: readonly HostWish[];
	readonly mosquitto?: BrokerWish;
	/** Each is connected to the Mosquitto of this laboratory, where there is one and nothing else is said. */
	readonly homeAssistant?: readonly HomeAssistantWish[];
	readonly registry?: boolean;
	/** Install a browser too, for `photograph`. */
	readonly browser?: boolean;
};

export type Laboratory = AsyncDisposable & {
	/** Part of every name the laboratory gives: namespaces, bridge, cgroup. */
	readonly name: string;
	/** This machine's address as the hosts see it. */
	readonly address: string;
	/** For whatever a test wants to keep until the laboratory closes. */
	readonly folder: string;
	/** @throws Error where no host of that name was asked for. */
	host(name: string): Host;
	/** @throws Error where no broker was asked for. */
	readonly broker: Broker;
	/** @throws Error where no registry was asked for. */
	readonly registry: Registry;
	/** The first, or the one of that version. @throws Error where none was asked for. */
	homeAssistant(version?: HomeAssistantVersion): HomeAssistant;
	/** Starts one more broker, for instance once its accounts are known. */
	startBroker(wish: BrokerWish): Promise<Broker>;
	/** Starts one more Home Assistant, for instance once its broker is up. */
	startHomeAssistant(wish: HomeAssistantWish): Promise<HomeAssistant>;
	/** Starts any program that stays (a coordinator, say) on this machine; it is ended with the laboratory. */
	spawn(argv: readonly string[], options: SpawnOptions): Promise<RunningProcess>;
	/** Asked for with `browser: true`. */
	openBrowser(): Promise<LabBrowser>;
	/** What earlier laboratories had left behind, removed before this one opened. */
	readonly swept: readonly string[];
};

/**
 * Starts the real parts asked for, nothing else, installing what is missing; closing it removes every trace but the cache.
 * `signal` holds for the whole life of the laboratory: it ends every wait in it, but closing is still up to the caller.
 */
export async function openLaboratory(wish: LaboratoryWish, signal: AbortSignal): Promise<Laboratory> {
	const homeAssistantVersions = (wish.homeAssistant ?? []).map(({ version }) => version);
	await provision({ parts: partsOf(wish), homeAssistantVersions }, signal);
	const swept = await sweepLeftovers(signal);
	const record = await claimRun();
	await using undo = new AsyncDisposableStack();
	undo.defer(() => removeRun(record.runFolder, AbortSignal.timeout(60_000)));
	record.add("cgroup", record.name);
	const bridge = await openBridge(record, signal);
	const beacon = undo.use(await openBeacon(bridge));
	const parts = await startParts(wish, { record, bridge, beacon, signal });
	const close = undo.move();
	return {
		...{ name: record.name, address: bridge.address, folder: record.dataFolder, swept },
		host: (name) =>
			present(
				parts.hosts.find((host) => host.name === name),
				`host ${name}`,
			),
		get broker() {
			return present(parts.broker, "broker");
		},
		get registry() {
			return present(parts.registry, "registry");
		},
		homeAssistant: (version) =>
			present(
				parts.homeAssistants.find((its) => its.version === (version ?? its.version)),
				"such Home Assistant",
			),
		startBroker: async (more) => {
			await installPackages(["broker"], signal);
			return startBroker(more, { record, address: bridge.address, signal });
		},
		startHomeAssistant: async (more) => {
			await installPackages(["homeAssistant"], signal);
			return startHomeAssistant(more, { record, signal });
		},
		openBrowser: () => openBrowser({ record, signal }),
		spawn: (argv, { name, ...rest }) =>
			startProcess(argv, { name, record, logPath: join(record.dataFolder, `${name}.log`), ...rest }),
		[Symbol.asyncDispose]: () => close.disposeAsync(),
	};
}

/** The bridge and its proofs need what hosts need, even where no host is asked for. */
function partsOf(wish: LaboratoryWish): Part[] {
	const optional: Partial<Record<Part, boolean>> = {
		broker: wish.mosquitto !== undefined,
		homeAssistant: (wish.homeAssistant ?? []).length > 0,
		registry: wish.registry === true,
		browser: wish.browser === true,
	};
	return ["hosts", ...everyPart.filter((part) => optional[part] === true)];
}

type Surroundings = {
	readonly record: RunRecord;
	readonly bridge: Bridge;
	readonly beacon: Beacon;
	readonly signal: AbortSignal;
};

type StartedParts = {
	readonly hosts: readonly Host[];
	readonly broker: Broker | undefined;
	readonly homeAssistants: readonly HomeAssistant[];
	readonly registry: Registry | undefined;
};

async function startParts(wish: LaboratoryWish, surroundings: Surroundings): Promise<StartedParts> {
	const { record, bridge, signal: outer } = surroundings;
	const address = bridge.address;
	// The rest may need the broker, which is there within a moment.
	const broker =
		wish.mosquitto === undefined
			? undefined
			: await startBroker(wish.mosquitto, { record, address, signal: outer });
	const ownBroker = broker === undefined ? {} : { mqtt: { host: "127.0.0.1", port: broker.port } };
	const [hosts, homeAssistants, registry] = await together(outer, (signal) => [
		together(signal, (inner) =>
			(wish.hosts ?? []).map((host, index) =>
				openHost(host, { ...surroundings, signal: inner, position: index + 1 }),
			),
		),
		together(signal, (inner) =>
			(wish.homeAssistant ?? []).map((its) =>
				startHomeAssistant({ ...ownBroker, ...its }, { record, signal: inner }),
			),
		),
		wish.registry === true ? startRegistry({ record, address, signal }) : Promise.resolve(undefined),
	]);
	return { hosts, broker, homeAssistants, registry };
}

function present<Wanted>(part: Wanted | undefined, what: string): Wanted {
	if (part === undefined) throw new Error(`this laboratory has no ${what}: ask for it in openLaboratory`);
	return part;
}
