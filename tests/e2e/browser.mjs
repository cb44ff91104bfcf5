// Chromium on the pages of a real network: opens pages, takes hold of them by data-testid, and keeps what
// the console says.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PATIENCE_MS, ROOT, skip } from './lib.mjs';

const CHROMIUM = process.env.TALLY_CHROMIUM ?? '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Skips the scenario when the pages are not built or there is no browser. */
export function needBrowser() {
  if (!existsSync(CHROMIUM)) skip(`no Chromium at ${CHROMIUM} (TALLY_CHROMIUM names another)`);
  if (!existsSync(join(ROOT, 'web', 'node_modules', 'playwright-core')))
    skip('the npm packages of web/ are not installed (tools/web)');
  if (!existsSync(join(ROOT, 'web', 'dist', 'till.html'))) skip('the pages are not built (tools/web)');
}

export class Browser {
  static async start(t) {
    const { chromium } = createRequire(join(ROOT, 'web', 'package.json'))('playwright-core');
    const b = new Browser();
    b.stage = t;
    b.browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
    t.finally(() => b.browser.close());
    b.complaints = [];
    return b;
  }
  /** One page in a context of its own. `hosts` are the addresses that it may talk to. */
  async open(url, hosts) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-US' });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    page.on('console', (it) => {
      // Refused and broken requests are what these tests are about; anything else is a fault of the page.
      if (it.type() === 'error' && !it.text().startsWith('Failed to load resource'))
        this.complaints.push(it.text());
    });
    page.on('pageerror', (it) => this.complaints.push(String(it)));
    page.on('request', (it) => {
      if (!hosts.some((host) => it.url().startsWith(`${host}/`))) this.complaints.push(`foreign: ${it.url()}`);
    });
    this.stage.onFailure(async () => {
      const picture = join(this.stage.dir, `page-${(this.pictures = (this.pictures ?? 0) + 1)}.png`);
      await page.screenshot({ path: picture });
      return `---- ${page.url()} (${picture})\n${(await page.locator('body').innerText()).slice(0, 2_000)}`;
    });
    await page.goto(url);
    return new Page(page);
  }
}

export class Page {
  constructor(page) {
    this.page = page;
  }
  at = (id) => this.page.locator(`[data-testid="${id}"]`);
  async click(...ids) {
    for (const id of ids) await this.at(id).first().click();
  }
  shows = (id, text) => this.at(id).filter({ hasText: text }).first().waitFor();
  has = (id, name, value) => this.page.locator(`[data-testid="${id}"][data-${name}="${value}"]`).first().waitFor();
  gone = (id) => this.at(id).waitFor({ state: 'detached' });
  minor = async (id) => Number(await this.at(id).first().getAttribute('data-minor'));
  /** The ticket in the preview, line by line, when it is that of the receipt with this counter. */
  async ticket(counter) {
    await this.click('view-receipts', `receipt-${counter}`);
    const id = await this.at(`receipt-${counter}`).first().getAttribute('data-id');
    await this.has('receipt-view', 'id', id);
    const lines = await this.at('ticket')
      .first()
      .evaluate((it) => [...it.children].map((line) => (line.textContent === '\u00a0' ? '' : line.textContent)));
    await this.click('view-products');
    return { id, lines };
  }
}
