/* interfaces.h - the texts of the *.varlink files, embedded at build time. */
#pragma once

extern const char varlink_service[]; /* org.varlink.service: served by rpc itself */
extern const char varlink_errors[]; /* io.berth: the errors that all methods share */
extern const char varlink_container[]; /* io.berth.Container */
extern const char varlink_template[]; /* io.berth.Template */
extern const char varlink_host[]; /* io.berth.Host */
