import { HostName, PlanAction, ResourceId } from "@davit/protocol";
import { z } from "zod";
import type { Body } from "./read-body.ts";
import { read } from "./read-content.ts";
import { Refusal } from "./refusal.ts";

const WantedPlan = z.object({ host: HostName, resource: ResourceId, action: PlanAction });
const PressedPlan = z.object({
	host: z.string(),
	resource: z.string(),
	action: z.string(),
	archive: z.string().optional(),
	what: z.enum(["everything", "chosen"]).default("everything"),
	/** One a line. */
	paths: z.string().max(60_000).default(""),
	where: z.enum(["replace", "merge", "beside"]).default("replace"),
	as: z.string().max(4096).default(""),
});

/** The plan that is wanted, from a program or from the page's form. @throws Refusal 400 */
export function readWantedPlan(body: Body): z.infer<typeof WantedPlan> {
	return body.kind === "json" ? read(WantedPlan, body) : readPressedPlan(body);
}

/** A form is flat; the plan that is wanted is not. */
function readPressedPlan(body: Body): z.infer<typeof WantedPlan> {
	const { host, resource, action, archive, ...pressed } = read(PressedPlan, body);
	const wanted = { action, ...(archive === undefined ? {} : { archive }), ...choicePressed(pressed) };
	return read(WantedPlan, { content: { host, resource, action: wanted } });
}

type Pressed = Pick<z.infer<typeof PressedPlan>, "what" | "paths" | "where" | "as">;

/** What of an archive, how and where, as the form says it. */
function choicePressed({ what, paths, where, as }: Pressed): Readonly<Record<string, unknown>> {
	const lines = paths.split("\n").map((line) => line.trim().replace(/\/$/, ""));
	const named = lines.filter((line) => line !== "");
	if (what === "chosen" && named.length === 0) {
		throw new Refusal(400, "only some files and folders were wanted, and none was named", {
			hint: "name one a line, or choose everything",
		});
	}
	if (where === "beside" && as.trim() === "") {
		throw new Refusal(400, "something new was wanted, and it has no name", { hint: "give it a name" });
	}
	return {
		...(what === "chosen" ? { paths: named } : {}),
		...(where === "merge" ? { merge: true } : {}),
		...(where === "beside" ? { as: as.trim() } : {}),
	};
}
