import { type Broker, type BrokerWish, startBroker } from "./broker/start.ts";
import { type Host, type HostWish, openHost } from "./host/open.ts";
import { type Bridge, openBridge } from "./network/open-bridge.ts";
import { type Beacon, openBeacon } from "./network/reach.ts";
import { together } from "./process/together.ts";
import { installPackages, type Part } from "./provision/install-packages.ts";
import { claimRun, type RunRecord } from "./record/claim.ts";
import { removeRun } from "./record/remove.ts";
import { sweepLeftovers } from "./record/sweep.ts";
import { type Registry, startRegistry } from "./registry/start.ts";

export type LaboratoryWish = {
	readonly hosts?: readonly HostWish[];
	readonly mosquitto?: BrokerWish;
	readonly registry?: boolean;
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
	/** What earlier laboratories had left behind, removed before this one opened. */
	readonly swept: readonly string[];
};

/**
 * Starts the real parts asked for, nothing else, installing what is missing; closing it removes every trace but the cache.
 * `signal` holds for the whole life of the laboratory: it ends every wait in it, but closing is still up to the caller.
 */
export async function openLaboratory(wish: LaboratoryWish, signal: AbortSignal): Promise<Laboratory> {
	await installPackages(partsOf(wish), signal);
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
		[Symbol.asyncDispose]: () => close.disposeAsync(),
	};
}

function partsOf(wish: LaboratoryWish): Part[] {
	return [
		// The bridge and its proofs need these even without an engine.
		"hosts",
		...(wish.mosquitto === undefined ? [] : ["broker" as const]),
		...(wish.registry === true ? ["registry" as const] : []),
	];
}

type Surroundings = {
	readonly record: RunRecord;
	readonly bridge: Bridge;
	readonly beacon: Beacon;
	readonly signal: AbortSignal;
};

type Parts = {
	readonly hosts: readonly Host[];
	readonly broker: Broker | undefined;
	readonly registry: Registry | undefined;
};

async function startParts(wish: LaboratoryWish, surroundings: Surroundings): Promise<Parts> {
	const { record, bridge } = surroundings;
	const [hosts, broker, registry] = await together<[Host[], Broker | undefined, Registry | undefined]>(
		surroundings.signal,
		(signal) => {
			const part = { record, address: bridge.address, signal };
			return [
				startHosts(wish.hosts ?? [], { ...surroundings, signal }),
				wish.mosquitto === undefined ? Promise.resolve(undefined) : startBroker(wish.mosquitto, part),
				wish.registry === true ? startRegistry(part) : Promise.resolve(undefined),
			];
		},
	);
	return { hosts, broker, registry };
}

function startHosts(wishes: readonly HostWish[], surroundings: Surroundings): Promise<Host[]> {
	return together<Host[]>(surroundings.signal, (signal) =>
		wishes.map((host, index) => openHost(host, { ...surroundings, signal, position: index + 1 })),
	);
}

function present<Wanted>(part: Wanted | undefined, what: string): Wanted {
	if (part === undefined) throw new Error(`this laboratory has no ${what}: ask for it in openLaboratory`);
	return part;
}
