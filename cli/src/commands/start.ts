import { usageError } from "../command-error.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { claimHome } from "../start/claim-home.ts";
import { makeHome } from "../start/home.ts";
import { readFolders } from "../start/read-folders.ts";
import { runAgentOnly, runEverything } from "../start/run.ts";

/** Runs everything on this machine until it is told to end. */
export async function start(invocation: Invocation, context: Context): Promise<number> {
	const isDemo = flagOption(invocation, "demo");
	const isDemoRemove = flagOption(invocation, "demoRemove");
	const isAgentOnly = flagOption(invocation, "agentOnly");
	if ([isDemo, isDemoRemove, isAgentOnly].filter(Boolean).length > 1) {
		throw usageError("--demo, --demo-remove and --agent-only exclude each other", "davit help start");
	}
	if (isDemoRemove) {
		const { removeDemo } = await import("../demo/demo.ts");
		return await removeDemo(context);
	}
	await makeHome(context.home);
	await using _claim = await claimHome(context.home);
	const folders = await readFolders(invocation, context.home);
	if (isAgentOnly) return await runAgentOnly(folders, context);
	if (!isDemo) return await runEverything({ invocation, folders }, context);
	const { openDemo } = await import("../demo/demo.ts");
	await using demo = await openDemo(context);
	return await runEverything({ invocation, folders: [...folders, ...demo.folders] }, context);
}
