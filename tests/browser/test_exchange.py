"""The site out and in again, and a backup made and tried, by the hands of the system administrator."""

import io
import re
from pathlib import Path

from openpyxl import load_workbook
from playwright.async_api import Page, expect
from prove.tiers import Tier

from tests.browser.conftest import SHOTS, log_in

WORDS = "four quiet river stones"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def test_a_filled_sheet_is_looked_at_mended_and_applied(node: Tier, page: Page) -> None:
    await log_in(page, node, "system")
    await page.goto(f"{node.url}/#/site_files")
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name=re.compile("导出现有")).click()
    book = load_workbook(io.BytesIO(Path(await (await waiting.value).path()).read_bytes()))
    site = next(row[2] for row in book["场所 Places"].iter_rows(min_row=3, values_only=True) if row[1] == "小区")
    book["场所 Places"].append([None, "宫殿", "东便门", site])
    await looked_at(page, book)
    await expect(page.get_by_text("不在可选范围")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"场所 第 \d+ 行 B 类型"))).to_be_visible()
    await page.screenshot(path=SHOTS / "site-files-wrong.png")
    book["场所 Places"].cell(book["场所 Places"].max_row, 2, "出入口")
    await looked_at(page, book)
    await expect(page.get_by_text("将有 1 处改动")).to_be_visible()
    await page.get_by_role("button", name="应用").click()
    await page.locator(".el-dialog:visible .el-button--primary").click()
    await expect(page.get_by_text("已完成 1 处改动")).to_be_visible()
    await looked_at(page, book)
    await expect(page.get_by_text("与现状完全一致")).to_be_visible()


async def looked_at(page: Page, book: object) -> None:
    out = io.BytesIO()
    book.save(out)  # type: ignore[attr-defined]
    file = {"name": "site.xlsx", "mimeType": XLSX, "buffer": out.getvalue()}
    await page.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    await page.get_by_role("button", name="试算").click()


async def test_a_backup_is_made_and_tried(node: Tier, page: Page) -> None:
    await log_in(page, node, "system")
    await page.goto(f"{node.url}/#/backups")
    await page.get_by_role("button", name="立即备份").click()
    for number in (0, 1):
        await page.locator(".el-dialog:visible input").nth(number).fill(WORDS)
    await page.locator(".el-dialog:visible .el-button--primary").click()
    await expect(page.get_by_text(re.compile("备份完成"))).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="试恢复").first.click()
    await page.locator(".el-dialog:visible input").first.fill("not the passphrase")
    await page.locator(".el-dialog:visible .el-button--primary").click()
    await expect(page.get_by_text("口令短语不对")).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="试恢复").first.click()
    await page.locator(".el-dialog:visible input").first.fill(WORDS)
    await page.locator(".el-dialog:visible .el-button--primary").click()
    await expect(page.get_by_text(re.compile("试恢复一致"))).to_be_visible(timeout=120_000)
    await page.screenshot(path=SHOTS / "backups-tried.png")


async def test_a_guard_sees_neither(node: Tier, page: Page) -> None:
    await log_in(page, node, "guard")
    for name in ("site_files", "backups"):
        await page.goto(f"{node.url}/#/{name}")
        await expect(page.get_by_text("没有权限")).to_be_visible()
