import { Body, Controller, Get, Post, Req } from "@nestjs/common";
import { ApiProperty } from "@nestjs/swagger";
import type { IncomingMessage } from "node:http";
import { pluginRequestOf } from "@servehttp/plugin-sdk";

export class Note {
  @ApiProperty()
  text!: string;
}

@Controller("notes")
export class NotesController {
  readonly #notes: Note[] = [];

  @Get()
  list(): Note[] {
    return this.#notes;
  }

  @Post()
  add(@Body() note: Note): Note {
    this.#notes.push(note);
    return note;
  }

  @Get("who")
  who(@Req() request: IncomingMessage): object {
    // What the host knows of the client.
    return pluginRequestOf(request)?.context ?? {};
  }
}
