import { access } from "node:fs/promises";
import { CommandError, exitCodes } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { writeJson } from "../output/write.ts";
import { addFolders, prepareAgent, prepareIntegration } from "./agent-settings.ts";
import { Child } from "./child.ts";
import { prepareCoordinator } from "./coordinator-settings.ts";
import { configFile, type ProgramName } from "./programs.ts";
import { describeWelcome, readWelcome } from "./welcome.ts";

/** Coordinator, agent and Home Assistant's view, in this order; ended in the reverse. */
export async function runEverything(
	{ invocation, folders }: { invocation: Invocation; folders: readonly string[] },
	context: Context,
): Promise<number> {
	if (
		(await exists(configFile(context.home, "agent"))) &&
		!(await exists(configFile(context.home, "coordinator")))
	) {
		throw new CommandError(`${context.home} belongs to a host that has joined another coordinator`, {
			code: "configuration-invalid",
			exitCode: exitCodes.usage,
			next: "davit start --agent-only",
		});
	}
	const broker = await prepareCoordinator(invocation, context);
	await using children = new Children(context);
	await children.open(["coordinator"]);
	const { host, isAdmitted } = await prepareAgent({ folders, broker }, context);
	await prepareIntegration({ broker, isAdmitted }, context);
	await children.open(["agent", "integration"]);
	const welcome = await readWelcome(host, context);
	if (context.wish.json) writeJson(context.out, welcome);
	else context.out.write(`${context.wish.quiet ? welcome.link : describeWelcome(welcome, context)}\n`);
	await children.untilEnded();
	return exitCodes.done;
}

/** Only the agent of a host that has joined a coordinator elsewhere. */
export async function runAgentOnly(folders: readonly string[], context: Context): Promise<number> {
	const file = configFile(context.home, "agent");
	if (!(await exists(file))) {
		throw new CommandError(`no agent was set up in ${context.home}: this host has not joined`, {
			code: "configuration-invalid",
			exitCode: exitCodes.usage,
			why: ["on the coordinator's machine, davit host join NAME prints the command for this one"],
			next: "davit host join STRING",
		});
	}
	await addFolders(folders, context);
	await using children = new Children(context);
	await children.open(["agent"]);
	if (context.wish.json) writeJson(context.out, { schema: "davit/text/1", text: "the agent runs" });
	else context.out.write("the agent runs; what it protects shows on the coordinator's page\n");
	await children.untilEnded();
	return exitCodes.done;
}

/** The programs that were started, ended in reverse order. A second Ctrl-C kills what has not ended. */
class Children implements AsyncDisposable {
	readonly #context: Context;
	readonly #ending = new AbortController();
	readonly #running: Child[] = [];
	readonly #interrupts: Disposable;

	constructor(context: Context) {
		this.#context = context;
		this.#interrupts = context.interrupts.listen(() => {
			if (this.#ending.signal.aborted) for (const child of this.#running) child.kill();
			this.#ending.abort(new DOMException("Ctrl-C", "AbortError"));
		});
		context.signal.addEventListener("abort", () => this.#ending.abort(context.signal.reason), { once: true });
		if (context.signal.aborted) this.#ending.abort(context.signal.reason);
	}

	/** Starts programs at the same time. @throws CommandError of the first that could not start; the others run until the end */
	async open(names: readonly ProgramName[]): Promise<void> {
		this.#ending.signal.throwIfAborted();
		const context = { ...this.#context, signal: this.#ending.signal };
		const opened = await Promise.allSettled(names.map((name) => Child.open(name, context)));
		for (const result of opened) if (result.status === "fulfilled") this.#running.push(result.value);
		for (const result of opened) if (result.status === "rejected") throw result.reason;
	}

	async untilEnded(): Promise<void> {
		const { signal } = this.#ending;
		if (signal.aborted) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		// Keeps the process alive while children are being started again.
		const awake = setInterval(() => undefined, 2 ** 30);
		signal.addEventListener("abort", () => resolve(), { once: true });
		await promise;
		clearInterval(awake);
		this.#context.err.write("davit: ending; Ctrl-C again kills what does not end by itself\n");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const child of this.#running.toReversed()) await child[Symbol.asyncDispose]();
		this.#interrupts[Symbol.dispose]();
	}
}

async function exists(file: string): Promise<boolean> {
	try {
		await access(file);
		return true;
	} catch (error) {
		if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
		throw error;
	}
}
