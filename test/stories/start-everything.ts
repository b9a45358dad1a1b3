import { type Running, startDavit } from "@davit/cli/testing/run-davit.ts";

/** No engine, and any free port. */
export const environment = { DAVIT_PORT: "0", DOCKER_HOST: "unix:///nonexistent/docker.sock" };

export interface Started extends AsyncDisposable {
	readonly running: Running;
	/** The `davit/start/1` document. */
	readonly welcome: Readonly<Record<string, unknown>>;
}

/** `davit start` as a person starts it, with the embedded broker, until its welcome is printed. */
export async function startEverything(
	home: string,
	words: readonly string[],
	given: NodeJS.ProcessEnv = environment,
): Promise<Started> {
	const running = startDavit(home, ["start", ...words, "--json"], given);
	const first = new Promise<string>((resolve, reject) => {
		let text = "";
		running.process.stdout?.on("data", (part) => {
			text += String(part);
			if (text.includes("\n")) resolve(text);
		});
		running.ended.then(
			({ stderr, exitCode }) => reject(new Error(`davit start ended with ${exitCode}: ${stderr}`)),
			reject,
		);
	});
	const welcome = JSON.parse(await first);
	return {
		running,
		welcome,
		async [Symbol.asyncDispose]() {
			running.process.kill("SIGTERM");
			await running.ended;
		},
	};
}
