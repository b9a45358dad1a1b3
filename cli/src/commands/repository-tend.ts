import { HostName, RepositoryName } from "@davit/protocol";
import { usageError } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { runAll } from "../runs/run-all.ts";

/** Checks a repository, and reads the next part of its content. */
export async function checkRepository(invocation: Invocation, context: Context): Promise<number> {
	return await tend("check", invocation, context);
}

/** Removes from a repository what no archive holds any more. */
export async function pruneRepository(invocation: Invocation, context: Context): Promise<number> {
	return await tend("prune", invocation, context);
}

async function tend(verb: "check" | "prune", invocation: Invocation, context: Context): Promise<number> {
	return await runAll(invocation, { context, identify: "run" }, async (word) => {
		const { host, repository } = await resolveRepository(word, `repository ${verb}`, context);
		const { archivesPath } = await callFor(
			"davit/host/1",
			{ method: "GET", path: `/hosts/${host}` },
			context,
		);
		if (archivesPath === null) {
			throw usageError(
				`${host} was never heard, so nothing can be asked of it`,
				"start its agent, then try again",
			);
		}
		return {
			subject: `repository ${repository} on ${host}`,
			request: {
				version: 1,
				host,
				operation: `repository.${verb}`,
				params: { path: archivesPath, repository },
			},
		};
	});
}

/** `nas/disk`, or `disk` alone where there is one host. */
export async function resolveRepository(
	word: string,
	command: string,
	context: Context,
): Promise<{ readonly host: HostName; readonly repository: RepositoryName }> {
	const [name = "", ...before] = word.split("/").toReversed();
	const repository = RepositoryName.safeParse(name);
	const given = before.length === 0 ? undefined : HostName.safeParse(before.toReversed().join("/"));
	if (!repository.success || given?.success === false) {
		throw usageError(
			`${JSON.stringify(word)} is no repository's name`,
			`davit ${command} disk, as repositories in agent.json`,
		);
	}
	if (given !== undefined) return { host: given.data, repository: repository.data };
	const { items } = await callFor("davit/hosts/1", { method: "GET", path: "/hosts" }, context);
	const [only, ...more] = items;
	if (only !== undefined && more.length === 0) return { host: only.host, repository: repository.data };
	throw usageError(
		`${items.length} hosts are known, and ${word} does not say which of them is to be asked`,
		`davit ${command} ${only?.host ?? "HOST"}/${word}`,
	);
}
