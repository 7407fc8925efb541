// SPDX-License-Identifier: Apache-2.0
// spdlog.cpp - spdlog with JSON made by its pattern, which escapes nothing. As it is: written by the caller, under a mutex;
// with -DASYNC through its thread and a queue of 8192 that blocks.
#include <memory>
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "logger.h"

static std::shared_ptr<spdlog::logger> out;
static uint64_t seq;

static void logger_open(const char *path)
{
	unlink(path);
#ifdef ASYNC
	spdlog::init_thread_pool(8192, 1);
	out = spdlog::basic_logger_mt<spdlog::async_factory>("worker::queue", path, true);
#else
	out = spdlog::basic_logger_mt("worker::queue", path, true);
#endif
	out->set_pattern("{\"timestamp\":\"%Y-%m-%dT%H:%M:%S.%FZ\",\"level\":\"INFO\",\"fields\":{\"message\":\"Item starting to execute\",%v}",
			 spdlog::pattern_time_type::utc);
}

static void logger_in_span(void (*body)(void *), void *arg)
{
	body(arg);
}

static void logger_line(uint64_t i)
{
	out->info("\"tid\":\"{}\",\"fqdn\":\"{}\",\"insert_time\":\"{}\",\"queue_len\":{},\"est\":{},\"warm\":{}"
		  "}},\"target\":\"worker::queue\",\"span\":{{\"fqdn\":\"hello-3-0.0.1\",\"tid\":\"{}\",\"name\":\"invoke\",\"id\":\"0000000000000001\"}}"
		  ",\"threadName\":\"spdlog\",\"pid\":{},\"seq\":{}",
		  LOGGER_TID, "hello-3-0.0.1", LOGGER_INSERT_TIME, i % 97, static_cast<double>(i % 1000) / 1000, (i & 1) != 0, LOGGER_TID, getpid(),
		  __atomic_fetch_add(&seq, 1, __ATOMIC_RELAXED));
}

static void logger_call(uint64_t i)
{
	out->info("\"tid\":\"{}\",\"queue_len\":{},\"n\":{},\"est\":{},\"warm\":{}"
		  "}},\"target\":\"worker::queue\",\"span\":{{\"fqdn\":\"hello-3-0.0.1\",\"tid\":\"{}\",\"name\":\"invoke\",\"id\":\"0000000000000001\"}}"
		  ",\"threadName\":\"spdlog\",\"pid\":{},\"seq\":{}",
		  LOGGER_TID, i, 77, 0.25, (i & 1) != 0, LOGGER_TID, getpid(), __atomic_fetch_add(&seq, 1, __ATOMIC_RELAXED));
}

static void logger_flush(void)
{
#ifdef ASYNC
	while (spdlog::thread_pool()->queue_size())
		usleep(100);
	out->sinks()[0]->flush(); // waits for the last line: it is written under the same mutex
#else
	out->flush();
#endif
}

static void logger_close(void)
{
	spdlog::shutdown();
}

int main(int argc, char **argv)
{
	return measure(argc, argv);
}
