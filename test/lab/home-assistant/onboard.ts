import { expectOk, openHttp } from "./call-http.ts";
import { openWebSocket } from "./open-web-socket.ts";
import { objectFrom, objectsFrom, textAt } from "./read-json.ts";

export const account = { username: "lab", password: "lab-pass-1" } as const;

/** Goes through the first-run wizard as a person would, and returns a token that stays valid. */
export async function onboard(url: string, signal: AbortSignal): Promise<string> {
	const client = `${url}/`;
	const anonymous = openHttp(url, undefined, signal);
	const owner = { client_id: client, name: "Lab", language: "en", ...account };
	const user = objectFrom(
		await expectOk(anonymous("POST", "/api/onboarding/users", owner), "first user"),
		"first user",
	);
	const form = new URLSearchParams({
		grant_type: "authorization_code",
		code: textAt(user, "auth_code"),
		client_id: client,
	});
	const session = objectFrom(await expectOk(anonymous("POST", "/auth/token", form), "login"), "login");
	const sessionToken = textAt(session, "access_token");
	// The last steps refuse a long-lived token, so they are done with the login's own.
	const http = openHttp(url, sessionToken, signal);
	await expectStepDone(http("POST", "/api/onboarding/core_config"));
	await expectOk(http("POST", "/api/onboarding/analytics"), "step analytics");
	const integration = { client_id: client, redirect_uri: client };
	await expectOk(http("POST", "/api/onboarding/integration", integration), "step integration");
	const socket = await openWebSocket(url, sessionToken, signal);
	const token = await socket.command("auth/long_lived_access_token", { client_name: "lab", lifespan: 3650 });
	socket.close();
	if (typeof token !== "string") throw new Error("Home Assistant gave no token");
	return token;
}

/** 2025.1 counts this step as done and then answers 500, because it cannot add a translator from the internet. */
async function expectStepDone(call: Promise<{ readonly status: number }>): Promise<void> {
	const { status } = await call;
	if (status !== 200 && status !== 500) throw new Error(`Home Assistant, step core_config: ${status}`);
}

/** The wizard adds services of the internet (translator, weather, radio), which would complain in the log for ever. */
export async function removeInternetServices(url: string, token: string, signal: AbortSignal): Promise<void> {
	const http = openHttp(url, token, signal);
	const path = "/api/config/config_entries/entry";
	const entries = objectsFrom(await expectOk(http("GET", path), "list of entries"), "entries");
	for (const entry of entries.filter((its) => its["source"] === "onboarding")) {
		await expectOk(http("DELETE", `${path}/${textAt(entry, "entry_id")}`), "removal of an entry");
	}
}
