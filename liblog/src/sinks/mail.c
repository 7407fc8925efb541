/* SPDX-License-Identifier: Apache-2.0 */
/* mail.c - a new log file's descriptor, for forked children; see mail.h. */
#include "sinks/mail.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct letter {
	dev_t device;
	ino_t inode;
};

union control {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

void mail_open(struct mail *mail)
{
	int ends[2];

	if (mail->in.fd >= 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return;
	mail->in = keep_note(keep_high(ends[0]));
	mail->out = keep_note(keep_high(ends[1]));
}

void mail_close(struct mail *mail)
{
	keep_close(&mail->in);
	keep_close(&mail->out);
}

void mail_put(struct mail *mail, int fd)
{
	union control control = {.room = ""};
	struct keep now = keep_note(fd);
	struct letter letter = {now.device, now.inode}, old;
	struct iovec bytes = {&letter, sizeof letter};
	struct msghdr message = {
	    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct stat st;

	if (!keep_same(&mail->in, &st) || !keep_same(&mail->out, &st))
		return;
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(sizeof fd);
	memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
	while (recv(mail->out.fd, &old, sizeof old, MSG_DONTWAIT) > 0)
		;
	sendmsg(mail->in.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int mail_take(struct mail *mail, const struct keep *known)
{
	union control control = {.room = ""};
	struct letter letter;
	struct iovec bytes = {&letter, sizeof letter};
	struct msghdr message = {
	    .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
	struct stat st;
	int fd = -1;

	if (!keep_same(&mail->out, &st) ||
	    recv(mail->out.fd, &letter, sizeof letter, MSG_PEEK | MSG_DONTWAIT) != sizeof letter)
		return -1;
	if (letter.device == known->device && letter.inode == known->inode)
		return -1;
	if (recvmsg(mail->out.fd, &message, MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != sizeof letter)
		return -1;
	if (message.msg_controllen >= sizeof control.header && control.header.cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	return keep_high(fd);
}
