import {
	choiceIn,
	instantOf,
	type JoinDocument,
	OperationError,
	operationFor,
	type PlanDocument,
	type PlanId,
	type PrincipalName,
	RequestId,
	resourceParams,
	type StartedDocument,
	type StatusDocument,
} from "@davit/protocol";
import type { Role } from "../broker/rules.ts";
import type { CoordinatorCore } from "../core/core.ts";
import type { Desk } from "../desk.ts";
import { resolveAddress } from "../documents/addresses.ts";
import {
	archiveDocument,
	hostDocument,
	resourceDocument,
	runDocument,
	scheduleDocument,
} from "../documents/details.ts";
import {
	archivesDocument,
	hostsDocument,
	resourcesDocument,
	runsDocument,
	schedulesDocument,
} from "../documents/lists.ts";
import { statusDocument } from "../documents/status.ts";
import type { JoinDoor } from "../join/open-door.ts";
import type { PlanWanted } from "../plans/plans.ts";
import { readyPlan } from "../plans/ready.ts";
import type { Recovery } from "../recovery/open-recovery.ts";
import { authoriseOperator } from "../requests/authorise.ts";
import { admitHost, type BrokerDoor, checkInvitation, keepAccount } from "./access.ts";
import { cancelRun } from "./cancel.ts";
import { editSchedule, pauseSchedule } from "./edit-schedule.ts";
import { lookForDifferences, lookIntoFolder, previewBackup, rescanHost, takeOut } from "./look-into.ts";
import { addSchedule, removeSchedule } from "./schedules.ts";
import { simulate } from "./simulate.ts";

/** What the desk needs beside the core. */
export interface DeskSurroundings {
	readonly broker: BrokerDoor;
	readonly describeBroker: () => StatusDocument["broker"];
	/** Undefined where the configuration opens none. */
	readonly joinDoor: Pick<JoinDoor, "invite"> | undefined;
	readonly recovery: Recovery;
}

const accountRoles: Readonly<Record<string, Role>> = {
	"home-assistant": { kind: "home-assistant" },
	integration: { kind: "integration" },
};

/** Everything that doors can look at and ask for. */
export function openDesk(core: CoordinatorCore, surroundings: DeskSurroundings): Desk {
	const { parts } = core;
	const { broker, recovery } = surroundings;
	return {
		status: () => ({ ...statusDocument(parts, surroundings.describeBroker()), ...complaintOf(recovery) }),
		hosts: (filter) => hostsDocument(parts, filter),
		host: (host) => hostDocument(parts, host),
		resources: (filter) => resourcesDocument(parts, filter),
		resource: (host, resource) => resourceDocument(parts, host, resource),
		archives: (filter) => archivesDocument(parts, filter),
		archive: (id) => archiveDocument(parts, id),
		runs: (filter) => runsDocument(parts, filter),
		run: (run) => runDocument(parts, run),
		schedules: () => schedulesDocument(parts),
		schedule: (name) => scheduleDocument(parts, name),
		simulate: (wanted) => simulate(parts, wanted),
		plan: (id) => core.plan(id),
		resolve: (address) => resolveAddress(parts, address),
		ask: (request, principal) => core.ask(request, principal),
		makePlan: (wanted, principal, signal) => makePlan(core, { ...wanted, principal }, signal),
		browse: (wanted, principal, signal) => lookIntoFolder(core, wanted, { principal, signal }),
		diff: (wanted, principal, signal) => lookForDifferences(core, wanted, { principal, signal }),
		get: (wanted, principal, signal) => takeOut(core, wanted, { principal, signal }),
		rescan: (host, principal, signal) => rescanHost(core, host, { principal, signal }),
		preview: (wanted, principal, signal) => previewBackup(core, wanted, { principal, signal }),
		apply: (plan, confirm, principal) => applyPlan(core, { plan, confirm }, principal),
		cancel: (run, principal) => cancelRun(core, run, principal),
		addSchedule: ({ schedule, confirm }, principal) =>
			addSchedule(parts, { ...schedule, confirm }, principal),
		editSchedule: (edit, principal) => editSchedule(parts, edit, principal),
		pauseSchedule: (name, isPaused, principal) => pauseSchedule(parts, { name, isPaused }, principal),
		removeSchedule: (name, principal) => removeSchedule(parts, name, principal),
		async invite(host, principal): Promise<JoinDocument> {
			checkInvitation(parts, { host, principal }, broker);
			const { joinDoor } = surroundings;
			if (joinDoor === undefined) {
				throw new OperationError("not-allowed", `${host} was not invited: no door for joining is open`, {
					hint: "set join in the coordinator's configuration, then start it again",
				});
			}
			const { string, expiresMs } = await joinDoor.invite(host);
			const expiresAt = instantOf(expiresMs);
			return { schema: "davit/join/1", host, string, expiresAt, command: `davit host join ${string}` };
		},
		admit: (admission, principal) => admitHost(parts, { ...admission, principal }, broker),
		async account(name, principal) {
			authoriseOperator(principal, "make an account");
			checkAccountName(core, name);
			const role = accountRoles[name] ?? { kind: "observer" };
			const password = await keepAccount(parts, { username: name, role }, broker);
			const { hostname, port } = new URL(broker.url);
			return {
				schema: "davit/account/1",
				...{ name, address: hostname, port: Number(port), username: name, password },
			};
		},
		recovery: () => recovery.document(),
		makeKit: (wish, principal) => recovery.make(wish, principal),
		saveKit: (kit, principal) => recovery.save(kit, principal),
		onChange: (listener) => parts.changes.listen(listener),
	};
}

/** Said until somebody has a kit that is up to date. */
function complaintOf(recovery: Recovery): Pick<StatusDocument, "recovery"> {
	const { state, sentence, do: next } = recovery.document();
	return state === "saved" ? {} : { recovery: { sentence, do: next } };
}

/** @throws OperationError as a request would be refused, or why the host could not make the plan | cancelled */
function makePlan(
	core: CoordinatorCore,
	wanted: PlanWanted & { principal: PrincipalName },
	signal: AbortSignal,
): Promise<PlanDocument> {
	return new Promise((resolve, reject) => {
		signal.throwIfAborted();
		const abort = () =>
			reject(new OperationError("cancelled", `the plan of ${wanted.resource} was not waited for`));
		signal.addEventListener("abort", abort, { once: true });
		core.askPlan(wanted, wanted.principal, (plan) => {
			signal.removeEventListener("abort", abort);
			try {
				resolve(core.plan(plan));
			} catch (error) {
				reject(error);
			}
		});
	});
}

/** Runs exactly the plan. @throws OperationError as the request is refused */
function applyPlan(
	core: CoordinatorCore,
	{ plan, confirm }: { plan: PlanId; confirm: string },
	principal: PrincipalName,
): StartedDocument {
	const { record, facts } = readyPlan(core.parts, plan);
	const { host, resource, action } = record;
	const operation = operationFor(action.action, resource);
	const response = core.ask(
		{
			version: 1,
			id: RequestId.parse(core.parts.newId()),
			host,
			operation,
			params: {
				...resourceParams(resource),
				...(action.action === "restore" ? { archive: action.archive, ...choiceIn(action) } : {}),
				plan: facts.digest,
			},
			plan,
			confirm,
		},
		principal,
	);
	if (response.run === undefined) {
		const { failure } = response;
		throw new OperationError(failure?.code ?? "internal-error", failure?.message ?? "it was refused", {
			...(failure === undefined ? {} : { hint: failure.hint }),
		});
	}
	return {
		schema: "davit/started/1",
		request: response.request,
		run: response.run,
		joined: response.joined ?? false,
	};
}

function checkAccountName(core: CoordinatorCore, name: string): void {
	const isHost = core.parts.history.accounts.find(name)?.role.kind === "agent";
	if (!/^[a-z0-9][a-z0-9-]{0,47}$/.test(name) || isHost || name === "coordinator") {
		throw new OperationError(
			"request-malformed",
			`an account cannot be called ${JSON.stringify(name.slice(0, 60))}`,
			{
				hint: "use 1 to 48 of a-z, 0-9 and -, and no host's name",
			},
		);
	}
}
