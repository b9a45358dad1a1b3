import type { CoordinatorCore } from "@davit/coordinator/core/core.ts";
import { cancelRun } from "@davit/coordinator/desk/cancel.ts";
import {
	ArchiveId,
	type HostName,
	isEnded,
	OperationError,
	operationFor,
	type PlanAction,
	type PlanId,
	type PrincipalName,
	type Request,
	RequestId,
	type ResourceId,
	type Response,
	resourceName,
	resourceParams,
	topicsOf,
} from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import type { Scene } from "./scene.ts";
import type { SimulatedAgent } from "./simulated-agent.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";
import { cli, homeAssistant, site } from "./site.ts";
import type { Party } from "./wire.ts";

const topics = topicsOf(site);

export interface Asked {
	readonly request: Request;
	readonly isSure: boolean;
	response: Response | undefined;
}

/** Everybody who asks for something: Home Assistant over the wire, a person at the command line. */
export class People implements Party {
	readonly name = "home-assistant";
	readonly asked = new Map<RequestId, Asked>();
	readonly #scene: Scene;
	readonly #coordinator: SimulatedCoordinator;
	readonly #agents: readonly SimulatedAgent[];
	#ids = 0;
	/** Ids of requests and plans that are still being asked for. */
	readonly waiting = new Set<string>();

	constructor(scene: Scene, coordinator: SimulatedCoordinator, agents: readonly SimulatedAgent[]) {
		this.#scene = scene;
		this.#coordinator = coordinator;
		this.#agents = agents;
	}

	/** Asks for many things in the time of the storm. */
	begin(): void {
		const { weather, timeline, chance, wire } = this.#scene;
		wire.attach(this);
		for (let count = 0; count < weather.requests; count += 1) {
			timeline.in(chance.between(3_000, weather.stormMs), () => this.#askSomething());
		}
	}

	hears(topic: string): boolean {
		return topic === topics.response(homeAssistant);
	}

	receive({ payload }: Message): void {
		// The coordinator said it, by the same schema.
		this.#answered(JSON.parse(Buffer.from(payload).toString()) as Response);
	}

	#askSomething(): void {
		const { chance } = this.#scene;
		const agent = chance.pick(this.#agents);
		const resource = chance.pick([...agent.places.keys()]);
		const act = chance.pick([
			() => this.#press(agent.name, resource),
			() => this.#backUp(agent.name, resource),
			() => this.#backUpAll(agent.name),
			() => this.#verify(agent, resource),
			() => this.#prune(agent.name, resource),
			...Array.from({ length: 5 }, () => () => this.#swap(agent, resource)),
			() => this.#cancel(),
			() => this.#cancel(),
			() => this.#askNonsense(agent.name),
		]);
		act();
	}

	#press(host: HostName, resource: ResourceId): void {
		const request = this.#request(host, operationFor("backup", resource), namedBy(resource));
		this.asked.set(request.id, { request, isSure: false, response: undefined });
		const { wire, timeline, chance, story } = this.#scene;
		const presses = chance.whole(1, 3);
		for (let press = 0; press < presses; press += 1) {
			timeline.in(press * 4_000, () => {
				story(`Home Assistant presses backup of ${host} ${resource} (${request.id})`);
				wire.publish(this, { topic: topics.request(homeAssistant), payload: JSON.stringify(request) });
			});
		}
	}

	#backUp(host: HostName, resource: ResourceId): void {
		this.#ask(this.#request(host, operationFor("backup", resource), namedBy(resource)));
	}

	#backUpAll(host: HostName): void {
		this.#ask(this.#request(host, "host.backup", { host }));
	}

	#verify({ name, places }: SimulatedAgent, resource: ResourceId): void {
		const archive = places.get(resource)?.archives[0]?.id ?? ArchiveId.parse("0".repeat(10));
		this.#ask(this.#request(name, operationFor("verify", resource), { ...namedBy(resource), archive }));
	}

	#prune(host: HostName, resource: ResourceId): void {
		const params = { ...namedBy(resource), keepLast: 1 };
		const request = this.#request(host, operationFor("prune", resource), params);
		this.#ask({ ...request, confirm: resourceName(resource) });
	}

	#askNonsense(host: HostName): void {
		const { chance } = this.#scene;
		const operation = chance.pick(["volume.explode", "path.backup", "volume.restore", "path.undo"]);
		this.#ask(this.#request(host, operation, { path: chance.pick(["/nowhere", "../up", 7]) }));
	}

	#cancel(): void {
		const { chance, story } = this.#scene;
		const open = this.#coordinator.records().filter(({ run, hidden }) => !hidden && !isEnded(run.state));
		if (open.length === 0) return;
		const { run } = chance.pick(open);
		story(`a person cancels ${run.run}`);
		this.#coordinator.attempt((core) => allowed(() => cancelRun(core, run.run, cli)));
	}

	/** Makes a plan of a restore or an undo, and applies it when it is ready. */
	#swap({ name: host, places }: SimulatedAgent, resource: ResourceId): void {
		const { chance } = this.#scene;
		const archive = places.get(resource)?.archives[0]?.id;
		if (archive === undefined) {
			this.#backUp(host, resource);
			return;
		}
		const isUndo = places.get(resource)?.aside.size !== 0 && chance.hits(0.3);
		const action: PlanAction = isUndo ? { action: "undo" } : { action: "restore", archive };
		const plan = this.#coordinator.attempt((core) =>
			allowed(() => core.askPlan({ host, resource, action }, cli, () => undefined)),
		);
		if (plan !== undefined) this.#applySoon(plan, { host, resource, action }, 20);
	}

	#applySoon(
		plan: PlanId,
		wanted: { host: HostName; resource: ResourceId; action: PlanAction },
		attempts: number,
	): void {
		this.#scene.timeline.in(2_000, () => {
			const ready = this.#coordinator.attempt((core) => allowed(() => core.plan(plan)));
			if (ready === undefined) {
				if (attempts > 0) this.#applySoon(plan, wanted, attempts - 1);
				return;
			}
			const { host, resource, action } = wanted;
			const archive = action.action === "restore" ? { archive: action.archive } : {};
			const params = { ...namedBy(resource), ...archive, plan: ready.facts.digest };
			const request = this.#request(host, operationFor(action.action, resource), params);
			this.#ask({ ...request, plan, confirm: ready.confirm });
		});
	}

	#request(host: HostName, operation: string, params: Record<string, unknown>) {
		this.#ids += 1;
		const count = this.#ids.toString(16).padStart(12, "0");
		const id = RequestId.parse(`01900000-0000-7000-8000-${count}`);
		return { version: 1, id, host, operation, params } as const satisfies Request;
	}

	/** Asks under the same id until there is an answer: the coordinator may be dead, or die of the question. */
	#ask(request: Request & { readonly id: RequestId }, principal: PrincipalName = cli): void {
		const { timeline, chance, story } = this.#scene;
		const known = this.asked.get(request.id);
		this.asked.set(request.id, known ?? { request, isSure: true, response: undefined });
		this.waiting.add(request.id);
		const response = this.#coordinator.attempt((core: CoordinatorCore) => core.ask(request, principal));
		if (response === undefined) {
			timeline.in(chance.between(500, 5_000), () => this.#ask(request, principal));
			return;
		}
		this.waiting.delete(request.id);
		const why = response.failure?.message ?? response.run;
		story(`${principal} asks for ${request.operation} (${request.id}): ${response.outcome}, ${why}`);
		this.#scene.note(`request ${response.outcome}`, "");
		this.#answered(response);
	}

	#answered(response: Response): void {
		const asked = this.asked.get(response.request);
		if (asked === undefined) return;
		const before = asked.response;
		asked.response = response;
		if (before === undefined || (before.outcome === response.outcome && before.run === response.run)) return;
		this.#scene.auditor.accuse(
			"requests",
			`request ${response.request} was answered ${before.outcome} ${before.run ?? ""}, then ${response.outcome} ${response.run ?? ""}`,
		);
	}
}

function namedBy(resource: ResourceId): Record<string, unknown> {
	return resourceParams(resource);
}

/** Undefined where the coordinator refuses. */
function allowed<Value>(act: () => Value): Value | undefined {
	try {
		return act();
	} catch (error) {
		if (error instanceof OperationError) return undefined;
		throw error;
	}
}
