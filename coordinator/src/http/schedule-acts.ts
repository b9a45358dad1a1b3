import {
	AskedConsistency,
	countedRules,
	KeepLast,
	parseDurationSeconds,
	RepositoryName,
	RetentionPolicy,
	ScheduleTask,
} from "@davit/protocol";
import { z } from "zod";
import type { NewSchedule, ScheduleChange } from "../desk.ts";
import type { Asked, Done } from "./acts.ts";
import { read } from "./read-content.ts";

const optionalText = z.string().transform((text) => text.trim() || undefined);
const optionalNumber = z
	.union([z.number(), optionalText])
	.transform((value) => (value === undefined ? undefined : Number(value)))
	.optional();

const settings = {
	cron: z.string().trim().min(1).max(200),
	timeZone: z.string().trim().max(64).default("UTC"),
	jitterSeconds: z.coerce.number().int().nonnegative().max(86_400).default(0),
	consistency: optionalText.pipe(AskedConsistency.optional()).optional(),
	keepLast: optionalNumber.pipe(KeepLast.optional()),
	policy: RetentionPolicy.nullish(),
	/** The schedule's name, where archives would go. */
	confirm: z.string().max(4200).default(""),
};

const WantedSchedule = z.object({
	name: z.string().trim().min(1).max(64),
	target: z.string().trim().min(1).max(4300),
	task: ScheduleTask.default("backup"),
	repository: optionalText.pipe(RepositoryName.optional()).optional(),
	...settings,
});

const Change = z.object({
	...settings,
	cron: settings.cron.optional(),
	timeZone: z.string().trim().min(1).max(64).optional(),
	jitterSeconds: z.coerce.number().int().nonnegative().max(86_400).optional(),
});

export function addSchedule({ desk, exchange, body }: Asked): Done {
	const { confirm, policy, ...wanted } = read(WantedSchedule, withPolicy(body));
	const { consistency, keepLast, task, repository, ...rest } = wanted;
	const schedule: NewSchedule = {
		...rest,
		...(task === "backup" ? {} : { task }),
		...(repository === undefined ? {} : { repository }),
		...(consistency === undefined ? {} : { consistency }),
		...(keepLast === undefined ? {} : { keepLast }),
		...(policy === undefined || policy === null ? {} : { policy }),
	};
	const document = desk.addSchedule({ schedule, confirm: confirm.trim() }, exchange.principal);
	return { status: 201, document, next: "schedules" };
}

export function editSchedule({ desk, exchange, body }: Asked, name: string): Done {
	const { confirm, ...given } = read(Change, withPolicy(body));
	// What is undefined was not given.
	const change = Object.fromEntries(
		Object.entries(given).filter(([, value]) => value !== undefined),
	) as ScheduleChange;
	const document = desk.editSchedule({ name, change, confirm: confirm.trim() }, exchange.principal);
	return { status: 200, document, next: `schedules/${encodeURIComponent(name)}` };
}

export function pauseSchedule({ desk, exchange }: Asked, name: string): Done {
	const document = desk.pauseSchedule(name, true, exchange.principal);
	return { status: 200, document, next: `schedules/${encodeURIComponent(name)}` };
}

export function resumeSchedule({ desk, exchange }: Asked, name: string): Done {
	const document = desk.pauseSchedule(name, false, exchange.principal);
	return { status: 200, document, next: `schedules/${encodeURIComponent(name)}` };
}

export function removeSchedule({ desk, exchange }: Asked, name: string): Done {
	desk.removeSchedule(name, exchange.principal);
	return { status: 200, document: desk.schedules(), next: "schedules" };
}

/** A form's fields say a policy one by one; empty ones say nothing. */
function withPolicy(body: Asked["body"]): Asked["body"] {
	if (body.kind === "json") return body;
	const policy = policyOfFields((name) => body.content[name]);
	const content = { ...body.content, ...(policy === undefined ? {} : { policy }) };
	return { kind: "json", content };
}

/** Numbers of the rules, and `within` and `minimumGood`; undefined where all are empty. What is no number stays one that is refused. */
export function policyOfFields(field: (name: string) => string | null | undefined): unknown {
	const text = (name: string) => field(name)?.trim() ?? "";
	const numbers = [...countedRules, "minimumGood"] as const;
	const given: [string, unknown][] = numbers.flatMap((name) =>
		text(name) === "" ? [] : [[name, Number(text(name))] as [string, unknown]],
	);
	if (text("within") !== "")
		given.push(["withinSeconds", parseDurationSeconds(text("within")) ?? text("within")]);
	if (text("grace") !== "")
		given.push(["graceSeconds", parseDurationSeconds(text("grace")) ?? text("grace")]);
	if (text("keepZone") !== "") given.push(["timeZone", text("keepZone")]);
	return given.length === 0 ? undefined : Object.fromEntries(given);
}
