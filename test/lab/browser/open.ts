import { type Browser, launch } from "puppeteer-core";

export type LabBrowser = AsyncDisposable & Pick<Browser, "newPage">;

/** Debian's Chromium without a window, with an empty profile that is gone afterwards. */
export async function openBrowser(signal: AbortSignal): Promise<LabBrowser> {
	const browser = await launch({
		executablePath: "/usr/bin/chromium",
		headless: true,
		signal,
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
	return { newPage: () => browser.newPage(), [Symbol.asyncDispose]: () => browser.close() };
}
