import { writeFile } from "node:fs/promises";
import type { Page } from "puppeteer-core";
import { type BrowserOptions, openBrowser } from "../browser/open.ts";
import { pollUntil } from "../process/poll.ts";
import { account } from "./onboard.ts";

export type PageWish = {
	/** Path of the page, such as `/config/devices/device/…` or `/lovelace/0`. */
	readonly path: string;
	/** Where the picture is written, as PNG. */
	readonly file: string;
	/** Text that is on the page once it is drawn. */
	readonly expect: string;
	readonly widthPx?: number;
	readonly heightPx?: number;
};

/** Fills in the real login form, opens the page, waits for the text expected on it, and takes a picture. Returns all text on the page. */
export async function photographPage(url: string, wish: PageWish, options: BrowserOptions): Promise<string> {
	const { signal } = options;
	await using browser = await openBrowser(options);
	const page = await browser.newPage();
	await page.setViewport({ width: wish.widthPx ?? 1280, height: wish.heightPx ?? 1000 });
	await page.goto(`${url}/`, { signal });
	await logIn(page, signal);
	await page.goto(url + wish.path, { signal });
	const read = async (): Promise<string> => String(await page.evaluate(readVisibleText));
	await pollUntil(async () => (await read()).includes(wish.expect), {
		...{
			what: `"${wish.expect}" on ${wish.path}`,
			timeoutMs: 40_000,
			intervalMs: 200,
			signal,
			explain: read,
		},
	});
	// The greeting fades over the page that is there already.
	await page.waitForFunction("document.querySelector('#ha-launch-screen') === null", {
		timeout: 20_000,
		signal,
	});
	await page.evaluate("document.fonts.ready.then(() => undefined)");
	await writeFile(wish.file, await page.screenshot());
	return await read();
}

async function logIn(page: Page, signal: AbortSignal): Promise<void> {
	for (const name of ["username", "password"] as const) {
		// `>>>` looks through shadow roots, in which all of Home Assistant's page lives.
		const field = await page.waitForSelector(`>>> input[name="${name}"]`, {
			timeout: 40_000,
			visible: true,
			signal,
		});
		if (field === null) throw new Error(`Home Assistant's login form has no ${name}`);
		await field.click();
		await field.type(account[name]);
	}
	await page.keyboard.press("Enter");
	await page.waitForFunction(
		"localStorage.hassTokens && document.querySelector('home-assistant')?.hass?.connected === true",
		{ timeout: 40_000, polling: 100, signal },
	);
}

/** Runs in the page: the text of all elements, through all shadow roots. */
const readVisibleText = `(() => {
	const below = (root) => [...root.querySelectorAll("*")].flatMap((element) =>
		element.shadowRoot ? [element, ...below(element.shadowRoot)] : [element]);
	return below(document)
		.filter((element) => !["STYLE", "SCRIPT"].includes(element.tagName))
		.flatMap((element) => [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()))
		.filter(Boolean)
		.join(" | ");
})()`;
