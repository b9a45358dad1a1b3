import type { Desk, Filter } from "@davit/coordinator/desk.ts";
import {
	instantOf,
	isEnded,
	OperationError,
	type PlanDocument,
	type RecoveryDocument,
	type Request,
	RequestId,
	type ResourceRow,
	type Run,
} from "@davit/protocol";
import { contentDocument, differencesDocument } from "./archive-documents.ts";
import { planDocument, runDocument, scheduleOf, scheduleRow, statusOf, undoOf } from "./documents.ts";
import { epochMs, type Fleet, makeFleet, newRun, uuid } from "./fleet.ts";
import { previewDocument, rescanDocument } from "./host-documents.ts";
import { keepingDesk } from "./keeping-desk.ts";

/** A desk over a fleet in memory: real documents, no broker. Runs end when the test says so. */
export interface MemoryDesk extends Desk {
	readonly fleet: Fleet;
	/** What was asked, in order. */
	readonly asked: Request[];
	endRun(run: string, state: Run["state"]): void;
	/** Tells whoever listens. */
	change(...what: readonly string[]): void;
	/** The next request is answered with this refusal. */
	refusal: OperationError | undefined;
	isBrokerConnected: boolean;
	recoveryState: RecoveryDocument["state"];
}

export function openMemoryDesk(fleet: Fleet = makeFleet(), now: () => number = () => epochMs): MemoryDesk {
	const listeners = new Set<(changed: ReadonlySet<string>) => void>();
	const plans = new Map<string, PlanDocument>();
	const asOf = () => instantOf(now());
	const paged = <Row>(rows: readonly Row[], { page = 1 }: Filter) => ({
		asOf: asOf(),
		total: rows.length,
		page,
		pages: Math.ceil(rows.length / 100),
		items: rows.slice((page - 1) * 100, page * 100),
	});
	const matches = (row: { host: string; resource: string; state?: string }, filter: Filter) =>
		(filter.host === undefined || filter.host === row.host) &&
		(filter.state === undefined || filter.state === row.state) &&
		(filter.resource === undefined || filter.resource === row.resource);
	const row = (host: string, resource: string) =>
		found(
			fleet.resources.find(
				(one) => one.host === host && (one.resource === resource || one.name === resource),
			),
			() => new OperationError("resource-not-found", `${host} has no resource ${resource}`),
		);
	const runOf = (id: string) =>
		found(
			fleet.runs.find(({ run }) => run === id),
			() => new OperationError("run-not-found", `no run is ${id}`),
		);
	const archiveOf = (id: string) =>
		found(
			fleet.archives.find((one) => one.id.startsWith(id)),
			() => new OperationError("archive-not-found", `no archive is ${id}`),
		);
	const planOf = (id: string) =>
		found(plans.get(id), () => new OperationError("plan-not-found", `no plan is ${id}`));
	const patch = (host: string, resource: string, change: Partial<ResourceRow>) => {
		fleet.resources = fleet.resources.map((one) =>
			one.host === host && one.resource === resource ? { ...one, ...change } : one,
		);
	};
	const begin = (of: Parameters<typeof newRun>[0]) => {
		const run = newRun(of);
		fleet.runs.unshift(run);
		patch(of.host, of.resource, { running: run.run, state: "running" });
		desk.change(`run:${run.run}`, `resource:${of.host}/${of.resource}`, `host:${of.host}`);
		return run;
	};

	const desk: MemoryDesk = {
		fleet,
		asked: [],
		refusal: undefined,
		isBrokerConnected: true,
		change: (...what) => {
			for (const listener of listeners) listener(new Set(what));
		},
		endRun(id, state) {
			const run = runOf(id);
			const { progress: _, ...ended } = run;
			fleet.runs = fleet.runs.map((one) => (one.run === id ? { ...ended, state, endedAt: asOf() } : one));
			patch(run.host, run.resource, { running: null, state: state === "succeeded" ? "safe" : "failed" });
			desk.change(`run:${id}`, `resource:${run.host}/${run.resource}`);
		},
		recoveryState: "unsaved",
		recovery: () => ({
			...{
				schema: "davit/recovery/1",
				asOf: asOf(),
				state: desk.recoveryState,
				do: "davit recovery-kit -o FILE",
			},
			...{ sentence: "What there is to say of the recovery kit.", provenAt: null },
			kits:
				desk.recoveryState === "unsaved" ? [] : [{ number: "k1", recipient: "age1qqqq", savedAt: asOf() }],
			places: [{ name: "nas", at: "/var/lib/davit/archives", note: "capsules" }],
		}),
		rescan: async (name) => rescanDocument(desk.host(name).row.host, fleet.archives[0]?.id ?? "", asOf()),
		makeKit: () => Promise.reject(new OperationError("not-allowed", "this desk makes no kits")),
		saveKit: () => Promise.reject(new OperationError("not-allowed", "this desk saves no kits")),
		onChange(listener) {
			listeners.add(listener);
			return () => listeners.delete(listener);
		},
		status: () => statusOf(fleet, { asOf: asOf(), isConnected: desk.isBrokerConnected }),
		hosts: (filter) => ({ schema: "davit/hosts/1", ...paged(fleet.hosts, filter) }),
		host(name) {
			const host = found(
				fleet.hosts.find((one) => one.host === name),
				() => new OperationError("host-not-found", `no host is called ${name}`),
			);
			return {
				schema: "davit/host/1",
				asOf: asOf(),
				row: host,
				capabilities: [
					{ name: "docker", available: true, detail: "Docker 26.1.5" },
					{
						name: "folders",
						available: false,
						detail: "none is configured",
						hint: "davit start --folder /srv/x",
					},
				],
				resources: fleet.resources.filter((one) => one.host === name),
				containers: [{ name: "grafana", image: "grafana/grafana:11", state: "running", mounts: [] }],
				publicKey: null,
				archivesPath: "/var/lib/davit/archives",
				inventoryAt: asOf(),
			};
		},
		resources: (filter) => ({
			schema: "davit/resources/1",
			...paged(
				fleet.resources.filter((one) => matches(one, filter)),
				filter,
			),
		}),
		resource(host, resource) {
			const one = row(host, resource);
			const archives = fleet.archives.filter((archive) => archive.address === one.address);
			return {
				schema: "davit/resource/1",
				asOf: asOf(),
				row: one,
				inventory: {
					id: one.resource,
					anonymous: false,
					consistency: "paused",
					users: [{ container: "grafana", state: "running", service: "web", writes: true }],
				},
				archives,
				runs: fleet.runs.filter((run) => run.host === one.host && run.resource === one.resource),
				schedules: one.host === "nas" ? fleet.schedules : [],
				undo: undoOf(one, archives),
				restoreDowntimeSeconds: one.name === "grafana-data" ? 9.4 : null,
			};
		},
		archives: (filter) => ({
			schema: "davit/archives/1",
			...paged(
				fleet.archives.filter((one) => matches(one, filter)),
				filter,
			),
		}),
		archive(id) {
			const one = archiveOf(id);
			return {
				schema: "davit/archive/1",
				asOf: asOf(),
				row: one,
				path: `/var/lib/davit/archives/${one.id}`,
				resourceRow: row(one.host, one.resource),
			};
		},
		runs: (filter) => ({
			schema: "davit/runs/1",
			...paged(
				fleet.runs.filter((one) => matches(one, filter)),
				filter,
			),
		}),
		run: (id) => runDocument(runOf(id), fleet, asOf()),
		schedules: () => ({ schema: "davit/schedules/1", ...paged(fleet.schedules, {}) }),
		schedule(name) {
			const one = scheduleOf(fleet, name);
			return {
				schema: "davit/schedule/1",
				asOf: asOf(),
				row: one,
				upcoming: one.nextDueAt === null ? [] : [one.nextDueAt],
			};
		},
		plan: planOf,
		resolve(address) {
			const host = fleet.hosts.find((one) => one.host === address);
			const run = fleet.runs.find((one) => one.run === address);
			const resource = fleet.resources.find(
				(one) => address === one.address || address === `${one.host}/${one.name}`,
			);
			const of = host ?? run ?? resource;
			if (of === undefined) {
				throw new OperationError("resource-not-found", `no resource is called ${address}`, {
					hint: "see the names below",
					candidates: ["nas/volume:grafana-data"],
				});
			}
			return {
				schema: "davit/address/1",
				host: of.host,
				resource: resource?.resource ?? null,
				archive: null,
				run: run?.run ?? null,
			};
		},
		ask(request) {
			desk.asked.push(request);
			const id = RequestId.parse(uuid(desk.asked.length));
			if (desk.refusal !== undefined) {
				const { code, message, hint } = desk.refusal;
				const failure = { code, message, hint, retryable: false };
				desk.refusal = undefined;
				return { version: 1, request: id, outcome: "rejected", failure };
			}
			const accepted = { version: 1, request: id, outcome: "accepted" } as const;
			if (request.operation === "host.backup") {
				const { host } = request;
				const open = fleet.runs.find((one) => one.resource === `host:${host}` && !isEnded(one.state));
				if (open !== undefined) return { ...accepted, run: open.run, joined: true };
				const whole = begin({ host, resource: `host:${host}`, verb: "backup", state: "running" });
				return { ...accepted, run: whole.run };
			}
			const { volume, path } = request.params;
			const resource = volume === undefined ? `path:${String(path)}` : `volume:${String(volume)}`;
			const one = row(request.host, resource);
			if (one.running !== null) {
				return { ...accepted, run: runOf(one.running).run, joined: true };
			}
			const verb = request.operation.endsWith(".verify") ? "verify" : "backup";
			const { run } = begin({ host: one.host, resource: one.resource, verb, state: "running" });
			return { ...accepted, run };
		},
		async makePlan({ host, resource, action }) {
			const one = row(host, resource);
			const newest = fleet.archives.find(({ address }) => address === one.address);
			const archive = archiveOf(action.action === "restore" ? action.archive : (newest?.id ?? "none"));
			const document = planDocument({
				row: one,
				archive,
				action: action.action,
				asOf: asOf(),
				number: plans.size,
			});
			plans.set(document.plan, document);
			return document;
		},
		async browse({ archive, folder, from }) {
			return contentDocument({ row: archiveOf(archive), folder, from, asOf: asOf() });
		},
		async diff({ archive, against, from }) {
			const other = against === "live" ? against : archiveOf(against).id;
			return differencesDocument({ row: archiveOf(archive), against: other, from, asOf: asOf() });
		},
		get: () => Promise.reject(new OperationError("unsupported", "archives in memory hold no bytes")),
		preview: async ({ host, resource }) => previewDocument(row(host, resource), asOf()),
		apply(id, confirm) {
			const plan = planOf(id);
			if (confirm !== plan.confirm) {
				throw new OperationError(
					"confirmation-missing",
					`the name typed is not ${plan.confirm}, so nothing was done`,
				);
			}
			const { run, request } = begin({
				host: plan.host,
				resource: plan.facts.resource,
				verb: plan.facts.action,
				state: "running",
			});
			plans.set(id, { ...plan, state: "applied", run });
			return { schema: "davit/started/1", request, run, joined: false };
		},
		cancel(id) {
			if (isEnded(runOf(id).state))
				throw new OperationError("run-ended", `${id} was not cancelled: it has ended`);
			desk.endRun(id, "cancelled");
			return desk.run(id);
		},
		...keepingDesk(fleet, () => desk),
		addSchedule({ schedule }) {
			fleet.schedules.push(scheduleRow(schedule));
			desk.change("schedules");
			return desk.schedule(schedule.name);
		},
		removeSchedule(name) {
			scheduleOf(fleet, name);
			fleet.schedules = fleet.schedules.filter((one) => one.name !== name);
			desk.change("schedules");
		},
		invite: async (host) => ({
			schema: "davit/join/1",
			host,
			string: "davit-join-v1-EXAMPLE",
			expiresAt: instantOf(now() + 900_000),
			command: "npx davit host join davit-join-v1-EXAMPLE",
		}),
		admit: async ({ host }) => ({
			site: "home",
			host,
			coordinatorKey: "key",
			broker: { url: "mqtt://127.0.0.1:1883", username: host, password: "secret" },
		}),
		account: async (name) => ({
			schema: "davit/account/1",
			name,
			address: "127.0.0.1",
			port: 1883,
			username: name,
			password: "secret",
		}),
	};
	return desk;
}

function found<Item>(item: Item | undefined, refuse: () => OperationError): Item {
	if (item === undefined) throw refuse();
	return item;
}
