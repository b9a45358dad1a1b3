import type { StateWord } from "@davit/protocol";
import { resolveAddress } from "../address.ts";
import { CommandError } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import type { DocumentOf } from "../door/answers.ts";
import { callFor } from "../door/call.ts";
import { describePlan } from "../output/describe.ts";
import {
	describeArchive,
	describeHost,
	describeResource,
	describeRun,
	describeSchedule,
} from "../output/portray.ts";
import { writeAnswer } from "../output/write.ts";

type Shown = DocumentOf<
	| "davit/run/1"
	| "davit/archive/1"
	| "davit/resource/1"
	| "davit/host/1"
	| "davit/plan/1"
	| "davit/schedule/1"
>;

export async function show(invocation: Invocation, context: Context): Promise<number> {
	await showAddress(wordAt(invocation, 0), context);
	return 0;
}

/** Shows what goes by that name; answers the state of a resource or host. */
export async function showAddress(name: string, context: Context): Promise<StateWord | undefined> {
	const document = await find(name, context);
	writeAnswer(context, { document, ids: [idOf(document)], text: () => describe(document, context) });
	return "row" in document && "state" in document.row ? document.row.state : undefined;
}

async function find(name: string, context: Context): Promise<Shown> {
	if (/^p[a-z2-7]{8}$/.test(name)) {
		const plan = await orAbsent(callFor("davit/plan/1", { method: "GET", path: `/plans/${name}` }, context));
		if (plan !== undefined) return plan;
	}
	try {
		return await findAddress(name, context);
	} catch (error) {
		const schedule = await findSchedule(name, { context, error });
		if (schedule !== undefined) return schedule;
		throw error;
	}
}

async function findAddress(name: string, context: Context): Promise<Shown> {
	const { host, resource, archive, run } = await resolveAddress(name, context);
	if (run !== null) return await callFor("davit/run/1", { method: "GET", path: `/runs/${run}` }, context);
	if (archive !== null) {
		return await callFor("davit/archive/1", { method: "GET", path: `/archives/${archive}` }, context);
	}
	if (resource === null)
		return await callFor("davit/host/1", { method: "GET", path: `/hosts/${host}` }, context);
	const path = `/resources/${host}/${encodeURIComponent(resource)}`;
	return await callFor("davit/resource/1", { method: "GET", path }, context);
}

/** A schedule of that name, where nothing else has it. */
async function findSchedule(
	name: string,
	{ context, error }: { context: Context; error: unknown },
): Promise<DocumentOf<"davit/schedule/1"> | undefined> {
	if (!(error instanceof CommandError) || error.exitCode !== 10) return undefined;
	const path = `/schedules/${encodeURIComponent(name)}`;
	return await orAbsent(callFor("davit/schedule/1", { method: "GET", path }, context));
}

async function orAbsent<Found>(found: Promise<Found>): Promise<Found | undefined> {
	try {
		return await found;
	} catch (error) {
		if (error instanceof CommandError && (error.exitCode === 10 || error.exitCode === 2)) return undefined;
		throw error;
	}
}

function idOf(document: Shown): string {
	switch (document.schema) {
		case "davit/run/1":
			return document.run.run;
		case "davit/archive/1":
			return document.row.id;
		case "davit/resource/1":
			return document.row.address;
		case "davit/host/1":
			return document.row.host;
		case "davit/plan/1":
			return document.plan;
		case "davit/schedule/1":
			return document.row.name;
	}
}

function describe(document: Shown, context: Context): string {
	switch (document.schema) {
		case "davit/run/1":
			return describeRun(document, context);
		case "davit/archive/1":
			return describeArchive(document, context);
		case "davit/resource/1":
			return describeResource(document, context);
		case "davit/host/1":
			return describeHost(document, context);
		case "davit/plan/1":
			return describePlan(document, context);
		case "davit/schedule/1":
			return describeSchedule(document, context);
	}
}
