// libarchive, which writes the ZIP files of exports.
#pragma once
#include <archive.h>
#include <archive_entry.h>
