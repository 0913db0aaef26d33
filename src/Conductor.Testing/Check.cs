namespace Conductor.Testing;

/// <summary>What conformance cases check with: no test framework is needed.</summary>
internal static class Check
{
    /// <summary>How long a case may take, in real time.</summary>
    public static TimeSpan RealLimit { get; } = TimeSpan.FromSeconds(20);

    public static void True(bool condition, string expected)
    {
        if (!condition)
        {
            throw new ConformanceException($"expected {expected}");
        }
    }

    public static void Equal<T>(T expected, T found, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, found))
        {
            throw new ConformanceException($"{what}: expected '{expected}', found '{found}'");
        }
    }

    public static void Sequence<T>(IEnumerable<T> expected, IEnumerable<T> found, string what) =>
        Equal(string.Join(", ", expected), string.Join(", ", found), what);

    public static T NotNull<T>(T? value, string what)
        where T : class => value ?? throw new ConformanceException($"{what}: expected something, found nothing");

    public static void Null<T>(T? value, string what)
        where T : class => True(value is null, $"{what} to be nothing, found '{value}'");

    /// <summary>Expects a failure with a code.</summary>
    public static async Task<ConductorException> FailsAsync(string code, Func<Task> action, string what)
    {
        var exception = await ThrowsAsync<ConductorException>(action, what).ConfigureAwait(false);
        Equal(code, exception.ErrorCode, $"{what}: the error code");
        return exception;
    }

    /// <summary>Expects an exception.</summary>
    public static async Task<TException> ThrowsAsync<TException>(Func<Task> action, string what)
        where TException : Exception
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (TException exception)
        {
            return exception;
        }
        catch (Exception exception) when (exception is not ConformanceException)
        {
            throw new ConformanceException($"{what}: expected {typeof(TException).Name}, found {exception.GetType().Name}: {exception.Message}", exception);
        }

        throw new ConformanceException($"{what}: expected {typeof(TException).Name}, but nothing was thrown");
    }

    /// <summary>Runs something many times at once, on threads that start together.</summary>
    public static async Task<T[]> RaceAsync<T>(int racers, Func<int, Task<T>> action)
    {
        var start = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var all = Enumerable.Range(0, racers).Select(number => Task.Run(async () =>
        {
            await start.Task.ConfigureAwait(false);
            return await action(number).ConfigureAwait(false);
        })).ToList();
        start.SetResult();
        return await Task.WhenAll(all).ConfigureAwait(false);
    }
}
