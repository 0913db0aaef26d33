using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Conductor.Tests.Support;

namespace Conductor.Tests.Hall;

public sealed class ErrorClassifierTests
{
    public static TheoryData<Exception, string> Table => new()
    {
        { new HttpRequestException("m", null, HttpStatusCode.TooManyRequests), ErrorCodes.LlmRateLimit },
        { new HttpRequestException("m", null, HttpStatusCode.RequestTimeout), ErrorCodes.TransientError },
        { new HttpRequestException("m", null, HttpStatusCode.InternalServerError), ErrorCodes.TransientError },
        { new HttpRequestException("m", null, HttpStatusCode.ServiceUnavailable), ErrorCodes.TransientError },
        { new HttpRequestException("m", null, (HttpStatusCode)599), ErrorCodes.TransientError },
        { new HttpRequestException("m"), ErrorCodes.TransientError },
        { new HttpRequestException("m", null, HttpStatusCode.BadRequest), ErrorCodes.UnknownError },
        { new HttpRequestException("m", null, HttpStatusCode.Unauthorized), ErrorCodes.UnknownError },
        { new IOException("m"), ErrorCodes.TransientError },
        { new EndOfStreamException("m"), ErrorCodes.TransientError },
        { new SocketException((int)SocketError.ConnectionReset), ErrorCodes.TransientError },
        { new FileNotFoundException("m"), ErrorCodes.TransientError },
        { new DatabaseException(isTransient: true), ErrorCodes.TransientError },
        { new DatabaseException(isTransient: false), ErrorCodes.UnknownError },
        { new TimeoutException("m"), ErrorCodes.AgentTimeout },
        { new TaskCanceledException("m", new TimeoutException()), ErrorCodes.AgentTimeout },
        { new OperationCanceledException("m"), ErrorCodes.UnknownError },
        { new AggregateException(new TimeoutException()), ErrorCodes.AgentTimeout },
        { new AggregateException(new TimeoutException(), new IOException()), ErrorCodes.UnknownError },
        { new AgentException("OWN_CODE", "m"), "OWN_CODE" },
        { new TaskValidationException("m"), ErrorCodes.TaskValidationFailed },
        { new InvalidOperationException("m"), ErrorCodes.UnknownError },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public void Classify_GivesTheCode(Exception exception, string code)
    {
        var error = ErrorClassifier.Default.Classify(exception);

        error.Code.Should().Be(code);
        error.Message.Should().Contain((exception as AggregateException)?.InnerExceptions[0].Message ?? exception.Message);
        error.Type.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public void Classify_ConductorException_KeepsWhatItSaysAboutTryingAgain()
    {
        var error = ErrorClassifier.Default.Classify(
            new AgentException("OWN", "m") { IsTransient = true, RetryAfter = TimeSpan.FromSeconds(7) });

        error.IsTransient.Should().BeTrue();
        error.RetryAfter.Should().Be(TimeSpan.FromSeconds(7));
    }

    [Fact]
    public void Classify_AggregateOfOneConductorException_KeepsWhatItSaysAboutTryingAgain()
    {
        var error = ErrorClassifier.Default.Classify(
            new AggregateException(new AgentException("OWN", "m") { IsTransient = true, RetryAfter = TimeSpan.FromSeconds(7) }));

        error.Code.Should().Be("OWN");
        error.IsTransient.Should().BeTrue();
        error.RetryAfter.Should().Be(TimeSpan.FromSeconds(7));
    }

    [Fact]
    public void Classify_WhatAReplacementDoesNotKnow_IsLeftToTheDefault()
    {
        var own = new OwnClassifier();

        own.Classify(new NotSupportedException("m")).Code.Should().Be("OWN");
        own.Classify(new AggregateException(new NotSupportedException("m"))).Code.Should().Be("OWN", "as Task.Wait wraps it");
        own.Classify(new IOException("m")).Code.Should().Be(ErrorCodes.TransientError);
    }

    /// <summary>A code is what all that follows goes by: retries, breakers, dead letters, metrics.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    public void Classify_ReplacementGivesNoCode_IsItsFailureAndSaysWhose(string? code)
    {
        var own = new AnsweringClassifier(new TaskError { Code = code!, Message = "m" });

        own.Invoking(static asked => asked.Classify(new IOException("m"))).Should().Throw<InvalidOperationException>()
            .WithMessage($"*{nameof(AnsweringClassifier)}*{nameof(TaskError)}.{nameof(TaskError.Code)}*null*");
    }

    [Fact]
    public void Classify_ReplacementGivesNoMessage_HasThatOfTheException()
    {
        var own = new AnsweringClassifier(new TaskError { Code = "OWN", Message = null! });

        own.Classify(new IOException("the disk")).Should().BeEquivalentTo(new { Code = "OWN", Message = "the disk" });
    }

    /// <summary>As one whose text comes from resources that are missing: what it is and where it was thrown is known all the same.</summary>
    [Fact]
    public void Classify_ExceptionWhoseTextCannotBeRead_SaysSoAndNamesIt()
    {
        var error = ErrorClassifier.Default.Classify(new SpeechlessException());

        error.Code.Should().Be(ErrorCodes.UnknownError);
        error.Type.Should().Be(typeof(SpeechlessException).FullName);
        error.Message.Should().Contain(nameof(SpeechlessException)).And.Contain(nameof(NotSupportedException));
    }

    private sealed class DatabaseException(bool isTransient) : DbException("m")
    {
        public override bool IsTransient { get; } = isTransient;
    }

    private sealed class AnsweringClassifier(TaskError error) : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) => error;
    }

    private sealed class OwnClassifier : ErrorClassifier
    {
        protected override TaskError? ClassifyCore(Exception exception) =>
            exception is NotSupportedException ? new TaskError { Code = "OWN", Message = exception.Message } : null;
    }
}
