import {
	describeIssues,
	failureReport,
	maximumMessageBytes,
	OperationError,
	type PrincipalName,
	Request,
	RequestId,
	type Response,
} from "@davit/protocol";
import { z } from "zod";
import type { Core } from "../core/context.ts";
import { type Heard, isLive, parseJson } from "../fleet/hear.ts";
import { publishResponse } from "../publishing/publish.ts";
import { mayAskOnBroker } from "./authorise.ts";
import { record } from "./record.ts";

/** Takes a request from the broker and answers it there. A retained one is dropped: it would be pressed again at each start. */
export function hearRequest(core: Core, principal: PrincipalName, message: Heard): void {
	if (message.topic !== core.topics.request(principal)) return;
	if (message.payload.byteLength === 0 || !isLive(core, message)) return;
	if (!mayAskOnBroker(principal)) {
		core.fleet.warnOnce(message.topic, () =>
			core.log.warn({ principal }, "a principal that may not ask on the broker was refused"),
		);
		return;
	}
	publishResponse(core, principal, answer(core, principal, message.payload));
}

function answer(core: Core, principal: PrincipalName, payload: Uint8Array): Response {
	const isTooLarge = payload.byteLength > maximumMessageBytes;
	const raw = isTooLarge ? undefined : parseJson(payload);
	const parsed = Request.safeParse(raw);
	if (parsed.success) return record(core, { request: parsed.data, principal });
	const named = z.object({ id: RequestId }).safeParse(raw);
	const why = isTooLarge
		? `${payload.byteLength} bytes is more than the 64 KiB that a message may have`
		: raw === undefined
			? "it is not JSON in UTF-8"
			: describeIssues(parsed.error);
	const error = new OperationError("request-malformed", `a request of ${principal} cannot be read: ${why}`);
	core.log.warn({ principal, reason: error.message }, "a request that cannot be read was refused");
	return {
		version: 1,
		request: named.success ? named.data.id : RequestId.parse(core.newId()),
		outcome: "rejected",
		failure: failureReport(error),
	};
}
