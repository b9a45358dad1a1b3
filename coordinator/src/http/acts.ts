import {
	ArchiveId,
	AskedConsistency,
	BackupChoice,
	HostName,
	OperationError,
	operationFor,
	PlanId,
	Request,
	ResourceId,
	RunId,
	resourceParams,
} from "@davit/protocol";
import { z } from "zod";
import type { Desk } from "../desk.ts";
import type { Exchange } from "./exchange.ts";
import { resourcePath } from "./pages/links.ts";
import type { Body } from "./read-body.ts";
import { read } from "./read-content.ts";
import { readWantedPlan } from "./read-plan.ts";
import { Refusal } from "./refusal.ts";
import { addSchedule, editSchedule, pauseSchedule, removeSchedule, resumeSchedule } from "./schedule-acts.ts";
import { WantedBrokerConfig, writeBroker } from "./write-broker.ts";

/** What an act answers: its document, and for the page where to look next, seen from the served root. */
export interface Done {
	readonly status: 200 | 201 | 202;
	readonly document: unknown;
	readonly next: string;
}

export interface Asked {
	readonly desk: Desk;
	readonly exchange: Exchange;
	readonly body: Body;
}

/** Carries out what was posted. @throws OperationError for everything that was refused */
export async function act(asked: Asked): Promise<Done> {
	const [place = "", name, verb, ...rest] = asked.exchange.path;
	const shape = [place, name === undefined ? "" : "*", verb ?? ""].join("/").replace(/\/+$/, "");
	const found = rest.length === 0 && Object.hasOwn(acts, shape) ? acts[shape] : undefined;
	if (found === undefined) {
		throw new Refusal(404, `nothing can be posted to /${asked.exchange.path.join("/").slice(0, 200)}`);
	}
	return found(asked, name ?? "");
}

const acts: Readonly<Record<string, (asked: Asked, name: string) => Promise<Done> | Done>> = {
	requests: askForRun,
	plans: makePlan,
	"plans/*/apply": applyPlan,
	previews: previewBackup,
	"archives/*/get": takeOut,
	"runs/*/cancel": cancelRun,
	"hosts/*/rescan": rescanHost,
	schedules: addSchedule,
	"schedules/*/edit": editSchedule,
	"schedules/*/pause": pauseSchedule,
	"schedules/*/resume": resumeSchedule,
	"schedules/*/remove": removeSchedule,
	invitations: invite,
	hosts: admit,
	"accounts/*": makeAccount,
	"broker-config": writeBrokerFiles,
	"recovery-kit": makeKit,
	recovery: saveKit,
};

const PressedButton = z.object({
	host: HostName,
	resource: ResourceId,
	verb: z.enum(["backup", "verify", "drill", "pin", "unpin", "undelete", "hold", "release", "copy"]),
	archive: ArchiveId.optional(),
	/** The name of a copy. */
	as: z.string().trim().max(4096).optional(),
	/** Why it is held. */
	because: z.string().optional(),
	consistency: AskedConsistency.optional(),
});

function askForRun({ desk, exchange, body }: Asked): Done {
	const request = body.kind === "json" ? read(Request, body) : readButton(body);
	const { outcome, failure, request: id, run, joined = false } = desk.ask(request, exchange.principal);
	if (failure !== undefined) {
		throw new OperationError(failure.code, failure.message, { hint: failure.hint });
	}
	if (outcome === "rejected" || run === undefined) {
		throw new OperationError("internal-error", "the request was refused without a reason");
	}
	const document = { schema: "davit/started/1", request: id, run, joined } as const;
	return { status: 202, document, next: `runs/${run}${joined ? "?joined=1" : ""}` };
}

/** A form says verb and resource; the request says operation and parameters. */
function readButton(body: Body): Request {
	const { host, resource, verb, archive, consistency, because, as } = read(PressedButton, body);
	if (verb === "copy") {
		const params = { ...resourceParams(resource), as: as ?? "" };
		return { version: 1, host, operation: operationFor(verb, resource), params };
	}
	const isKeeping = verb !== "backup" && verb !== "verify" && verb !== "drill";
	const given = {
		...(verb !== "backup" && archive !== undefined ? { archive } : {}),
		...(verb === "backup" && consistency !== undefined ? { consistency } : {}),
		...(verb === "hold" ? { because: because ?? "" } : {}),
	};
	const params = {
		...resourceParams(resource),
		...(isKeeping ? { change: { keep: verb, ...given } } : given),
	};
	return { version: 1, host, operation: operationFor(isKeeping ? "keep" : verb, resource), params };
}

async function makePlan({ desk, exchange, body }: Asked): Promise<Done> {
	const wanted = readWantedPlan(body);
	const document = await desk.makePlan(wanted, exchange.principal, exchange.signal);
	return { status: 201, document, next: `plans/${document.plan}` };
}

const WantedPreview = z.object({ host: HostName, resource: ResourceId, choice: BackupChoice });

async function previewBackup({ desk, exchange, body }: Asked): Promise<Done> {
	const wanted = read(WantedPreview, body);
	const document = await desk.preview(wanted, exchange.principal, exchange.signal);
	return { status: 200, document, next: resourcePath(wanted.host, wanted.resource) };
}

const Confirmation = z.object({ confirm: z.string().max(4200).default("") });

function applyPlan({ desk, exchange, body }: Asked, name: string): Done {
	const { confirm } = read(Confirmation, body);
	const document = desk.apply(readId(PlanId, name), confirm.trim(), exchange.principal);
	return { status: 202, document, next: `runs/${document.run}` };
}

async function takeOut({ desk, exchange, body }: Asked, archive: string): Promise<Done> {
	const { inner } = read(z.object({ inner: z.string().max(4096) }), body);
	const document = await desk.get({ archive, inner }, exchange.principal, exchange.signal);
	return { status: 201, document, next: `archives/${document.row.id}` };
}

async function rescanHost({ desk, exchange }: Asked, name: string): Promise<Done> {
	const document = await desk.rescan(name, exchange.principal, exchange.signal);
	return { status: 200, document, next: `hosts/${document.host}` };
}

function cancelRun({ desk, exchange }: Asked, name: string): Done {
	const document = desk.cancel(readId(RunId, name), exchange.principal);
	return { status: 200, document, next: `runs/${document.run.run}` };
}

async function invite({ desk, exchange, body }: Asked): Promise<Done> {
	const { host } = read(z.object({ host: HostName }), body);
	const document = await desk.invite(host, exchange.principal);
	return { status: 201, document, next: `hosts?waiting=${host}` };
}

async function admit({ desk, exchange, body }: Asked): Promise<Done> {
	onlyOnSocket(exchange);
	const admission = read(z.object({ host: HostName, publicKey: z.string().min(1).max(200) }), body);
	return { status: 201, document: await desk.admit(admission, exchange.principal), next: "hosts" };
}

async function makeAccount({ desk, exchange }: Asked, name: string): Promise<Done> {
	onlyOnSocket(exchange);
	return { status: 200, document: await desk.account(name, exchange.principal), next: "" };
}

async function writeBrokerFiles({ desk, exchange, body }: Asked): Promise<Done> {
	onlyOnSocket(exchange);
	const document = await writeBroker(desk, read(WantedBrokerConfig, body));
	return { status: 201, document, next: "" };
}

const WantedKit = z.object({
	withKey: z.union([z.boolean(), z.literal("yes").transform(() => true)]).default(false),
});

async function makeKit({ desk, exchange, body }: Asked): Promise<Done> {
	return {
		status: 201,
		document: await desk.makeKit(read(WantedKit, body), exchange.principal),
		next: "recovery",
	};
}

async function saveKit({ desk, exchange, body }: Asked): Promise<Done> {
	const { kit } = read(z.object({ kit: z.string().trim().min(1).max(80) }), body);
	return { status: 200, document: await desk.saveKit(kit, exchange.principal), next: "recovery" };
}

function onlyOnSocket({ door }: Exchange): void {
	if (door === "socket") return;
	throw new Refusal(403, "this can be asked on the coordinator's machine only, not over the network", {
		code: "not-allowed",
		hint: "run the davit command there",
	});
}

function readId<Schema extends z.ZodType>(schema: Schema, name: string): z.infer<Schema> {
	const id = schema.safeParse(name);
	if (id.success) return id.data;
	throw new Refusal(404, `nothing has the id ${name.slice(0, 80)}: ${z.prettifyError(id.error)}`);
}
