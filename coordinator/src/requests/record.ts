import {
	failureReport,
	instantOf,
	isWorkflowName,
	OperationError,
	type Params,
	type PrincipalName,
	type Request,
	RequestId,
	type Response,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { AnyRunRecord } from "../history/records.ts";
import { dispatch } from "../outbox/dispatch.ts";
import { markApplied } from "../plans/ready.ts";
import { publishRefusal } from "../publishing/publish.ts";
import { beginWhole } from "../wholes/begin.ts";
import { type Checked, checkRequest, resourceOfRequest } from "./check.ts";

export interface Asking {
	readonly request: Request;
	readonly principal: PrincipalName;
	/** The schedule that asks. */
	readonly schedule?: string;
	/** The latest moment to begin, milliseconds since 1970; default two minutes from now. */
	readonly startByMs?: number;
}

const startWithinMs = 120_000;

/** Records a request and its run and sends the command, or records why not. The same id is answered with the same run. */
export function record(core: Core, asking: Asking): Response {
	const { request, principal } = asking;
	const id = request.id ?? RequestId.parse(core.newId());
	try {
		const known = core.history.intents.response(id);
		if (known !== undefined) return known;
		const checked = checkRequest(core, request, principal);
		return checked.joins === undefined
			? begin(core, asking, { id, checked })
			: join(core, asking, { id, run: checked.joins.run.run });
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		return refuse(core, asking, { id, error });
	}
}

function begin(core: Core, asking: Asking, { id, checked }: { id: RequestId; checked: Checked }): Response {
	const { request, principal, schedule, startByMs } = asking;
	const accepted = (run: NonNullable<Response["run"]>): Response => ({
		version: 1,
		request: id,
		outcome: "accepted",
		run,
		joined: false,
	});
	core.refusals.delete(core.topics.resourceStatus(request.host, checked.resource));
	const also = ({ run }: AnyRunRecord): void => {
		save(core, asking, accepted(run.run));
		if (request.plan !== undefined) markApplied(core, request.plan, run.run);
	};
	const wanted = { request: id, principal, host: request.host, schedule: schedule ?? null, also };
	const { operation, params } = checked;
	const started = isWorkflowName(operation)
		? // The catalogue's own schema read them.
			beginWhole(core, { ...wanted, startByMs, params: params as Params<typeof operation> })
		: dispatch(core, {
				...{ ...wanted, operation, params, point: "request" },
				resource: checked.resource,
				startByMs: startByMs ?? core.now() + startWithinMs,
				plan: request.plan ?? null,
			});
	const { run, host, resource } = started.run;
	core.log.info({ run, host, resource, operation, principal }, "a run was asked for");
	return accepted(run);
}

function join(core: Core, asking: Asking, { id, run }: { id: RequestId; run: NonNullable<Response["run"]> }) {
	const response: Response = { version: 1, request: id, outcome: "accepted", run, joined: true };
	core.history.write("request", () => save(core, asking, response));
	return response;
}

function refuse(
	core: Core,
	asking: Asking,
	{ id, error }: { id: RequestId; error: OperationError },
): Response {
	const { request, principal } = asking;
	const failure = failureReport(error);
	const response: Response = { version: 1, request: id, outcome: "rejected", failure };
	core.log.info(
		{ principal, host: request.host, operation: request.operation, code: failure.code },
		"a request was refused",
	);
	// Where the history itself cannot be written, the answer is all there is.
	if (!error.code.startsWith("database-") && error.code !== "disk-full") {
		core.history.write("rejection", () => save(core, asking, response));
	}
	const resource = resourceOfRequest(request);
	const isBackup = request.operation.endsWith(".backup") && principal !== "schedule";
	if (resource !== undefined && isBackup) {
		publishRefusal(core, request.host, { resource, reason: failure.message });
	}
	return response;
}

function save(core: Core, { request, principal }: Asking, response: Response): void {
	const askedAt = instantOf(core.now());
	core.history.intents.saveRequest(request, { id: response.request, principal, askedAt, response });
}
