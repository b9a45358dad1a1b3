import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import puppeteer, { type Browser, type Page } from "puppeteer-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
export const chromium = places.find((path) => existsSync(path));

/** For `test`: why the tests of a real browser do not run here. */
export const browserSkip = chromium === undefined ? "no chromium is installed on this machine" : false;

export interface OpenBrowser extends AsyncDisposable {
	readonly browser: Browser;
	/** A new tab in a profile of its own, without a cookie. */
	newTab(): Promise<Page>;
}

/** A headless Chromium with an empty profile that asks nobody but us. */
export async function openBrowser(): Promise<OpenBrowser> {
	if (chromium === undefined) throw new Error("no chromium is installed on this machine");
	await using stack = new AsyncDisposableStack();
	const profile = await mkdtemp(join(tmpdir(), "davit-browser-"));
	stack.defer(() => rm(profile, { recursive: true, force: true, maxRetries: 5 }));
	const browser = await puppeteer.launch({
		executablePath: chromium,
		userDataDir: profile,
		timeout: 60_000,
		protocolTimeout: 60_000,
		args: [
			"--headless",
			"--no-sandbox",
			"--disable-gpu",
			"--disable-quic",
			"--no-first-run",
			"--disable-background-networking",
			"--disable-component-update",
			"--disable-sync",
			"--disable-dev-shm-usage",
		],
	});
	stack.defer(() => browser.close());
	const release = stack.move();
	return {
		browser,
		async newTab() {
			const context = await browser.createBrowserContext();
			const page = await context.newPage();
			page.setDefaultTimeout(20_000);
			return page;
		},
		[Symbol.asyncDispose]: () => release.disposeAsync(),
	};
}
