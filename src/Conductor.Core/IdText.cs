using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Conductor;

/// <summary>The one rule for ids and names that a user gives: text that every store and wire can write down, and tell from any other.</summary>
internal static class IdText
{
    private static readonly SearchValues<char> _surrogates = SearchValues.Create(
        [.. Enumerable.Range('\uD800', '\uDFFF' - '\uD800' + 1).Select(static code => (char)code)]);

    /// <summary>
    /// Whether it can be written as UTF-8. Half of a surrogate pair cannot: it would become the same replacement character as every other half, and the
    /// id be another's.
    /// </summary>
    public static bool IsWellFormed(string? text) => text is null || IndexOfHalf(text) < 0;

    /// <summary>What is wrong with an id, as the end of a sentence that begins with what it is the id of; null when it can be used.</summary>
    public static string? ProblemOf(string? id)
    {
        if (string.IsNullOrWhiteSpace(id))
        {
            return id is null ? "is null; it needs a text." : "is empty; it needs a text.";
        }

        var at = IndexOfHalf(id);
        return at < 0 ? null : $"has half of a surrogate pair (U+{(int)id[at]:X4} at {at}), which no store can write; make it of whole characters.";
    }

    /// <summary>Refuses an id that cannot be used.</summary>
    /// <param name="id">The id.</param>
    /// <param name="parameterName">The parameter that it came by.</param>
    /// <param name="what">What it is the id of, as the message begins with.</param>
    /// <exception cref="ArgumentException">It is null, blank or not well-formed.</exception>
    public static void ThrowIfInvalid(
        [NotNull] string? id,
        [CallerArgumentExpression(nameof(id))] string? parameterName = null,
        [CallerArgumentExpression(nameof(id))] string? what = null)
    {
        // On the way of every save: what is wrong is put into words only where something is.
        if (string.IsNullOrWhiteSpace(id) || IndexOfHalf(id) >= 0)
        {
            Throw(id, parameterName, what);
        }
    }

    [DoesNotReturn]
    private static void Throw(string? id, string? parameterName, string? what)
    {
        var message = $"{what} {ProblemOf(id)}";
        throw id is null ? new ArgumentNullException(parameterName, message) : new ArgumentException(message, parameterName);
    }

    /// <summary>Where there is a surrogate without the one that belongs to it; -1 for nowhere.</summary>
    private static int IndexOfHalf(string text) =>
        text.AsSpan().IndexOfAny(_surrogates) is var first and >= 0 ? IndexOfHalf(text, first) : -1;

    private static int IndexOfHalf(string text, int first)
    {
        for (var i = first; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(text[i]))
            {
                return i;
            }
        }

        return -1;
    }
}
