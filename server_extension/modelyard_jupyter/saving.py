"""The routes of Save Model. All of the work is in `work.py`, in threads: the notebook server stays responsive."""

from __future__ import annotations

from .handler import YardHandler, guarded


class PreviewHandler(YardHandler):
    @guarded
    async def post(self) -> None:
        body = self.request.body
        self.answer(await self.with_work(lambda work: work.preview(body)))


class SavesHandler(YardHandler):
    @guarded
    async def get(self) -> None:
        self.answer(await self.with_work(lambda work: work.list_saves()))

    @guarded
    async def post(self) -> None:
        body = self.request.body
        self.answer(await self.with_work(lambda work: work.begin_save(body)), status=202)


class SaveHandler(YardHandler):
    @guarded
    async def get(self, id: str) -> None:
        self.answer(await self.with_work(lambda work: work.read_save(id)))
