import { join } from "node:path";
import { type Browser, launch } from "puppeteer-core";
import { identifyProcess } from "../process/identify.ts";
import type { RunRecord } from "../record/claim.ts";

export type LabBrowser = AsyncDisposable & Pick<Browser, "newPage">;

export type BrowserOptions = {
	readonly signal: AbortSignal;
	/** Where there is a laboratory, so that a browser outliving a killed test is ended. */
	readonly record?: RunRecord;
};

/** Debian's Chromium without a window, with an empty profile that is gone afterwards. */
export async function openBrowser({ signal, record }: BrowserOptions): Promise<LabBrowser> {
	const browser = await launch({
		executablePath: "/usr/bin/chromium",
		headless: true,
		signal,
		...(record === undefined
			? {}
			: { userDataDir: join(record.dataFolder, `browser-${crypto.randomUUID()}`) }),
		args: [
			// Chromium refuses its sandbox to root.
			"--no-sandbox",
			...["--disable-gpu", "--disable-quic", "--disable-dev-shm-usage"],
			...[
				"--no-first-run",
				"--disable-background-networking",
				"--disable-component-update",
				"--disable-sync",
			],
		],
	});
	const identity = identifyProcess(browser.process()?.pid ?? 0);
	if (identity !== undefined) record?.add("process", String(identity.pid), String(identity.startTicks));
	return { newPage: () => browser.newPage(), [Symbol.asyncDispose]: () => browser.close() };
}
