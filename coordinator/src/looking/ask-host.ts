import {
	type HostName,
	OperationError,
	operationFor,
	type PrincipalName,
	RequestId,
	type ResourceId,
	type RunId,
	resourceParams,
	type Verb,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { dispatch } from "../outbox/dispatch.ts";
import { silenceMs } from "../plans/plans.ts";
import { checkRequest } from "../requests/check.ts";

/** What is asked of a host that only looks: it is no run that a person is shown. */
export interface Question {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly verb: Exclude<Verb, "backup">;
	/** Beside the resource. */
	readonly params: Readonly<Record<string, unknown>>;
}

/**
 * Asks a host to look into an archive, or at what a backup would do. The answer is there when the returned run has ended.
 * @throws OperationError as a request would be refused
 */
export function askHost(core: Core, question: Question, principal: PrincipalName): RunId {
	const { host, resource, verb } = question;
	const operation = operationFor(verb, resource);
	const asked = { ...resourceParams(resource), ...question.params };
	const request = { version: 1, host, operation, params: asked } as const;
	const { params } = checkRequest(core, request, principal);
	const started = dispatch(core, {
		...{ request: RequestId.parse(core.newId()), principal, host, resource, operation, params },
		...{ startByMs: core.now() + silenceMs, hidden: true, point: "plan" },
	});
	return started.run.run;
}

/** What the host answered. @throws OperationError why it did not */
export function answerOf(core: Core, id: RunId): Readonly<Record<string, unknown>> {
	const run = core.runs.find(id)?.run;
	if (run?.state === "succeeded" && run.result !== undefined) return run.result;
	const { failure } = run ?? {};
	if (failure !== undefined) throw new OperationError(failure.code, failure.message, { hint: failure.hint });
	throw new OperationError("host-offline", `${run?.host ?? "the host"} did not answer`);
}
