import { z } from "zod";
import { FailureReport } from "./failures.ts";
import { HostName, PlanId, RequestId, RunId } from "./vocabulary.ts";

/**
 * What a person, a schedule or Home Assistant asks of the coordinator. Operations that destroy need the id of a plan that
 * was shown, and the resource's name as `confirm`.
 */
export const Request = z.object({
	version: z.literal(1),
	/** Given by doors that may ask twice; the same id is answered with the same run. */
	id: RequestId.optional(),
	host: HostName,
	operation: z.string().max(64),
	params: z.record(z.string(), z.unknown()),
	plan: PlanId.optional(),
	confirm: z.string().max(4200).optional(),
});
export type Request = z.infer<typeof Request>;

/** The coordinator's answer to a request, within a second of it. */
export const Response = z.object({
	version: z.literal(1),
	request: RequestId,
	outcome: z.enum(["accepted", "rejected"]),
	run: RunId.optional(),
	/** The run was under way before this request came and now serves it too. */
	joined: z.boolean().optional(),
	failure: FailureReport.optional(),
});
export type Response = z.infer<typeof Response>;
